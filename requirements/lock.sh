#!/usr/bin/env bash
# Brings every lock up to date with what its .in asks for.     requirements/lock.sh
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x .envs/lock/bin/uv ] || { "${PYTHON:-python3}" -m venv .envs/lock && .envs/lock/bin/python -m pip install -qq uv; }
export UV_FIND_LINKS=${PIP_FIND_LINKS:-$(.envs/lock/bin/python -m pip config get global.find-links 2>/dev/null || true)}

compile() { # LOCK OVERRIDES
    echo "requirements/$1.lock"
    .envs/lock/bin/uv pip compile -q --python-version 3.11 --no-header --no-annotate --upgrade \
        --override "requirements/$2.txt" "requirements/$1.in" -o "requirements/$1.lock"
    sed -i 's/+cpu$//' "requirements/$1.lock" # any build of that version of torch serves
}

compile app overrides
compile argilla argilla-overrides
compile teacher teacher-overrides
compile teacher-gpu overrides
compile peers overrides
