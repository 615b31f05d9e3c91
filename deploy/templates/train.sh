#!/bin/sh
# Starts a training run and shows its log. Further arguments go to `flwr run`, such as --run-config "num-rounds=5".
set -eu
. "@FOLDER@/bin/environment"
exec flwr run "@FOLDER@/flower-app" fleet --stream "$@"
