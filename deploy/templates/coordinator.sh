#!/bin/sh
# The coordinator: alerts, feedback, models, trainings, and the operator's page on loopback.
set -eu
. "@FOLDER@/bin/environment"
exec python -m fl_server --config "@FOLDER@/coordinator.yaml"
