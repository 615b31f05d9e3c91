#!/bin/sh
# The client of one camera, with its SuperNode. The camera's address is in the file `source`; it may hold a password.
# Further arguments go to the client.
set -eu
[ -s "@FOLDER@/source" ] || { echo "error: @FOLDER@/source: expected the camera's address in it" >&2; exit 2; }
[ -s "@FOLDER@/roster.json" ] || { echo "error: @FOLDER@/roster.json: not there; take the operator's answer with accept" >&2; exit 2; }
umask 077
PATH="@ENVIRONMENT@/bin:$PATH"
FLWR_HOME="@FOLDER@/state/flower"
FLWR_TELEMETRY_ENABLED=0
FLWR_DISABLE_UPDATE_CHECK=1
: "${FLWR_SUPEREXEC_TASK_POLL_INTERVAL:=0.2}"  # seconds a message waits for its process; Flower's own 1 adds up
export PATH FLWR_HOME FLWR_TELEMETRY_ENABLED FLWR_DISABLE_UPDATE_CHECK FLWR_SUPEREXEC_TASK_POLL_INTERVAL
exec python -m fl_client --site @SITE@ --source "$(cat "@FOLDER@/source")" --state "@FOLDER@/state/site" \
    --coordinator @COORDINATOR@ --superlink @SUPERLINK@ \
    --root-certificates "@FOLDER@/ca.pem" --supernode-key "@FOLDER@/supernode.key" \
    --membership "@FOLDER@" "$@"
