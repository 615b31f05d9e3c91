# Read by every start script: where the programs are, and that they report to nobody.
umask 077
PATH="@ENVIRONMENT@/bin:$PATH"
FLWR_HOME="@FOLDER@/state/flower"
FLWR_TELEMETRY_ENABLED=0
FLWR_DISABLE_UPDATE_CHECK=1
: "${FLWR_SUPEREXEC_TASK_POLL_INTERVAL:=0.2}"  # seconds a message waits for its process; Flower's own 1 adds up
export PATH FLWR_HOME FLWR_TELEMETRY_ENABLED FLWR_DISABLE_UPDATE_CHECK FLWR_SUPEREXEC_TASK_POLL_INTERVAL
