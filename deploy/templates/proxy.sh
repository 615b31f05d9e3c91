#!/bin/sh
# The proxy: publishes what sites need, over TLS, and nothing else. Further arguments go to nginx.
set -eu
PATH="/usr/sbin:/usr/local/sbin:$PATH"
umask 077
mkdir -p "@FOLDER@/state/proxy"
exec nginx -e stderr -p "@FOLDER@/state/proxy" -c "@FOLDER@/proxy.conf" "$@"
