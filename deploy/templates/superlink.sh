#!/bin/sh
# The SuperLink: moves training messages. On loopback alone, for its control interface has no login of its own.
# It runs no code of a training run itself: that is the SuperExec's part, so a run outlives a restart of this one.
set -eu
. "@FOLDER@/bin/environment"
exec flower-superlink \
    --host 127.0.0.1 --port @SUPERLINK_PORT@ \
    --ssl-ca-certfile "@FOLDER@/ca.pem" --ssl-certfile "@FOLDER@/server.pem" --ssl-keyfile "@FOLDER@/server.key" \
    --enable-supernode-auth \
    --database "@FOLDER@/state/superlink.db" \
    --isolation process --superexec-auth-secret-file "@FOLDER@/superexec.secret" \
    --disable-runtime-dependency-installation
