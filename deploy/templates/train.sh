#!/bin/sh
# Wants rounds of the coordinator, which starts the runs: --rounds 5, and --option NAME=VALUE for each of a run's options.
set -eu
. "@FOLDER@/bin/environment"
exec python -m fl_server --config "@FOLDER@/coordinator.yaml" train "$@"
