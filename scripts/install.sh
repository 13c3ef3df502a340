#!/bin/sh
# Make .venv and install the course into it. `make lab` and `make test` run this
# when .venv is missing or older than pyproject.toml or constraints.txt.
#
#   sh scripts/install.sh                      the first Python 3.11-3.13 found
#   sh scripts/install.sh /path/to/python3.12  this one (delete .venv to change it)
#
# Without make (Windows), the same by hand:
#   py -3.11 -m venv .venv
#   .venv\Scripts\pip install -e .[test] -c constraints.txt
#   .venv\Scripts\python -m utils.teach.start
set -eu
cd "$(dirname "$0")/.."

NEEDED_GB=3

fits() { # a Python that runs and is 3.11, 3.12 or 3.13
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
        >/dev/null 2>&1
}

stop() {
    echo "$1" >&2
    exit 1
}

choose_python() {
    [ -n "$1" ] || set -- python3 python3.13 python3.12 python3.11
    for python in "$@"; do
        if fits "$python"; then
            echo "$python"
            return
        fi
    done
    found=$("$1" --version 2>/dev/null) || found="missing or broken"
    stop "This course needs Python 3.11, 3.12 or 3.13, and '$1' is $found: install \
one of them (python.org, or your system's packages), or name one with \
'make lab PYTHON=/path/to/python3.12'."
}

make_venv() {
    ! fits .venv/bin/python || return 0
    python=$(choose_python "$1")
    echo "Making .venv with $("$python" --version) ..."
    "$python" -m venv --clear .venv || stop "$python could not make a virtual \
environment: on Debian or Ubuntu, 'sudo apt install python3-venv' adds what it needs."
}

free_mb() {
    echo $(($(df -Pk . | awk 'NR == 2 { print $4 }') / 1024))
}

check_disk() {
    [ ! -e .venv/installed ] || return 0
    [ "$(free_mb)" -ge $((NEEDED_GB * 1024)) ] || stop "Installing needs \
${NEEDED_GB} GB of free disk and this folder has $(free_mb) MB: make room, \
or move the course to a larger disk."
}

explain_failure() {
    [ "$(free_mb)" -ge 200 ] || stop "The disk is full: make room and run the same \
command again."
    stop "The installation did not finish; the lines above say why. Check the network \
connection and run the same command again."
}

check_disk
make_venv "${1:-}"
echo "Installing the course into .venv (a few minutes the first time) ..."
.venv/bin/python -m pip install --quiet --disable-pip-version-check -e '.[test]' \
    -c constraints.txt || explain_failure
touch .venv/installed
echo "Installed."
