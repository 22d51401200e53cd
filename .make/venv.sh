#!/bin/sh
# Makes the virtual environment $1 with the locked packages of $2 and this project, of $PYTHON3 where that names a
# Python, else by uv where it is present, else of a Python on PATH. Ends with one sentence where it cannot.
set -eu
venv=$1
lock=$2

began=$(date +%s)

say() {
    echo "setup: $1" >&2
}

fail() {
    say "$1"
    exit 1
}

usable() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if [ ! -x "$venv/bin/python" ]; then
    say "making a virtual environment in $venv"
    if command -v uv >/dev/null 2>&1; then
        uv venv --quiet --python "${PYTHON3:->=3.11}" "$venv" || fail "uv found no Python 3.11 or newer: install one."
    else
        if [ -n "${PYTHON3:-}" ]; then set -- "$PYTHON3"; else set -- python3 python3.13 python3.12 python3.11 python3.14; fi
        python=
        for candidate; do
            if usable "$candidate"; then
                python=$candidate
                break
            fi
        done
        [ -n "$python" ] || fail "needs Python 3.11 or newer with its venv module (Debian: apt install python3-venv)."
        "$python" -m venv "$venv"
    fi
fi

say "installing the packages of $lock into $venv: about a minute, and nothing is said meanwhile"
missing="the packages could not be installed: is there a way to the package index?"
if command -v uv >/dev/null 2>&1; then
    uv pip install --quiet --python "$venv/bin/python" --require-hashes -r "$lock" || fail "$missing"
    uv pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation --editable . || fail "$missing"
else
    pip() { "$venv/bin/python" -m pip --disable-pip-version-check --quiet "$@"; }
    # An environment that uv made has no pip of its own.
    pip --version >/dev/null 2>&1 || "$venv/bin/python" -m ensurepip >/dev/null
    pip install --require-hashes -r "$lock" || fail "$missing"
    pip install --no-deps --no-build-isolation --editable . || fail "$missing"
fi
say "done in $(($(date +%s) - began)) s: gateway, subject and loadtest are in $venv/bin"
