#!/bin/sh
# Registers the sites of the newest roster with the SuperLink, and takes out those that are no longer in it.
set -eu
. "@FOLDER@/bin/environment"
exec python -m deploy apply --folder "@FOLDER@"
