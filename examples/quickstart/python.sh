#!/bin/sh
# Runs the Python that has nats-py: the clone's own .venv, else python3 of the PATH that `booty up` had.
own="$(dirname "$0")/../../.venv/bin/python"
[ -x "$own" ] || own=python3
exec "$own" -u "$@"
