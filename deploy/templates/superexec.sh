#!/bin/sh
# The SuperExec: runs the server's part of a training run, in a process of its own.
set -eu
. "@FOLDER@/bin/environment"
exec flower-superexec \
    --runtime-api-address 127.0.0.1:@SUPERLINK_PORT@ \
    --root-certificates "@FOLDER@/ca.pem" \
    --superexec-auth-secret-file "@FOLDER@/superexec.secret"
