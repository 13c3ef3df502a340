#!/bin/sh
# What `make classroom` needs beyond `make test`: a browser, nbgrader, JupyterHub.
set -eu
cd "$(dirname "$0")/.."

if ! command -v chromium >/dev/null && command -v apt-get >/dev/null &&
    [ "$(id -u)" = 0 ]; then
    echo "Installing chromium ..."
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends \
        chromium fonts-dejavu-core >/dev/null
fi
command -v chromium >/dev/null || {
    echo "The browser tests need chromium: on Debian, 'sudo apt-get install chromium'." >&2
    exit 1
}
echo "Installing what the classroom tests need into .venv ..."
.venv/bin/python -m pip install --quiet --disable-pip-version-check \
    -e '.[test,classroom]' -c constraints.txt
touch .venv/classroom
