#!/bin/sh
# make test and make test-compiled on each Python that pythons.sh finds, each in a folder of its own below build/.
# Says first which there are, and which of them pyproject.toml claims; at the end, what came of each.
set -eu
make=${MAKE:-make}
found=$(sh .make/pythons.sh)
[ -n "$found" ] || { echo "test-all: no Python 3.11 or newer with its venv module is here" >&2; exit 1; }
claimed=$(sed -n 's/.*"Programming Language :: Python :: \(3\.[0-9]*\)".*/\1/p' pyproject.toml)

echo "$found" | while read -r version python; do
    case " $(echo "$claimed" | tr '\n' ' ') " in
        *" ${version%.*} "*) echo "test-all: Python $version, $python" ;;
        *) echo "test-all: Python $version, $python, which pyproject.toml does not claim" ;;
    esac
done
for minor in $claimed; do
    case "$found" in
        "$minor".* | *"
$minor".*) ;;
        *) echo "test-all: Python $minor is claimed, and not here" ;;
    esac
done

told=
code=0
for version in $(echo "$found" | cut -d ' ' -f 1); do
    python=$(echo "$found" | sed -n "s/^$version //p")
    home=build/python${version%.*}
    if PYTHON3=$python "$make" test test-compiled VENV="$home/venv" DIST="$home/dist" UNPACKED="$home/compiled"; then
        told="$told
test-all: Python $version passed"
    else
        told="$told
test-all: Python $version FAILED"
        code=1
    fi
done
echo "$told" | sed 1d
exit "$code"
