#!/bin/sh
# Prints each Python from 3.11 on that this machine has, in its newest release, as "3.13.5 /usr/bin/python3.13", the
# oldest first. Looks on PATH, where pyenv and where uv have theirs; a virtual environment is none, and neither is what
# has no venv module, is no release, or runs without the global lock.
set -eu

places() {
    echo "$PATH" | tr : '\n'
    for bin in "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/*/bin \
        "${UV_PYTHON_INSTALL_DIR:-${XDG_DATA_HOME:-${HOME:-}/.local/share}/uv/python}"/*/bin; do
        echo "$bin"
    done
}

# shellcheck disable=SC2016 # Python's text
about='
import ensurepip, sys, sysconfig, venv
version = sys.version_info
is_ordinary = version.releaselevel == "final" and sys.implementation.name == "cpython"
if is_ordinary and sys.prefix == sys.base_prefix and not sysconfig.get_config_var("Py_GIL_DISABLED"):
    print("{}.{}.{}".format(*version), sys.executable)
'

places | while IFS= read -r bin; do
    for python in "$bin"/python3.1[1-9]; do
        [ -x "$python" ] || continue
        "$python" -c "$about" 2>/dev/null </dev/null || true # a shim of pyenv's may lead nowhere
    done
done | sort -s -t . -k 2,2n -k 3,3n | awk '
    { split($1, part, ".") }
    part[2] != minor { if (NR > 1) print best; minor = part[2]; version = "" }
    $1 != version { version = $1; best = $0 }
    END { if (NR) print best }
'
