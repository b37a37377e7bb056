#!/bin/sh
# Finds a Python that can run this project and hands over to bootstrap.py:
#   sh tools/bootstrap.sh LEVEL [-- COMMAND...]
# PYTHON=... names an interpreter; else .venv's own, python3, or a versioned one on the PATH.
set -eu
cd "$(dirname "$0")/.."

supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
complete='import ensurepip, venv'

runs() { "$1" -E -S -c "$2" >/dev/null 2>&1; }

if [ -n "${PYTHON:-}" ]; then
    candidates=$PYTHON
else
    if runs .venv/bin/python "$supported"; then
        exec .venv/bin/python -E -S tools/bootstrap.py "$@"
    fi
    candidates='python3 python3.13 python3.12 python3.11 /usr/bin/python3'
fi

# Without PYTHON, one that lacks ensurepip is the second choice: bootstrap.py says what it needs.
incomplete=
old_ifs=$IFS
[ -z "${PYTHON:-}" ] || IFS='
'
for candidate in $candidates; do
    runs "$candidate" "$supported" || continue
    if runs "$candidate" "$complete"; then
        exec "$candidate" -E -S tools/bootstrap.py "$@"
    fi
    incomplete=${incomplete:-$candidate}
done
IFS=$old_ifs
if [ -n "$incomplete" ]; then
    exec "$incomplete" -E -S tools/bootstrap.py "$@"
fi

looked_at=${PYTHON:-python3}
found=$("$looked_at" --version 2>&1) || found='nothing that runs'
echo "error: Python 3.11, 3.12 or 3.13 is needed, and '$looked_at' is: $found." \
    "Install one (Debian 12, Ubuntu 24.04 or newer: sudo apt-get install python3 python3-venv)" \
    "or name one: make PYTHON=/path/to/python3.12 ..." >&2
exit 1
