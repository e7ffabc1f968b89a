#!/usr/bin/env bash
# Makes .envs/NAME hold what requirements/LOCK.lock says.     requirements/install.sh NAME LOCK
#
# The locks are complete, and their pins override what some packages ask for: hence --no-deps. Only torch is installed
# with what it asks for, because its PyPI build brings its CUDA libraries as packages, and its CPU build has none.
set -euo pipefail
cd "$(dirname "$0")/.."
name=$1 lock=requirements/$2.lock env=.envs/$1 log=.envs/$1.log python=${PYTHON:-python3}

fail() { echo "$@" >&2; exit 1; }
command -v "$python" >/dev/null || fail "There is no $python. Install Python 3.11 with its venv module."
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' ||
    fail "Python 3.11 is needed; $python is $("$python" --version). Name another one: make PYTHON=python3.11"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python can't make environments. On Debian and Ubuntu: apt-get install python3.11-venv"

mkdir -p .envs
[ -e "$env/.stamp" ] || rm -rf "$env" # a first attempt that was cut short; otherwise only what changed is installed
rm -f "$env/.stamp"
packages=$(grep -c '==' "$lock")
echo "$name: installing $packages packages into $env (1 to 5 minutes; log in $log)"

progress() {
    while sleep 15 >/dev/null 2>&1; do
        if grep -q '^Installing' "$log"; then
            count=$(find "$env/lib" -maxdepth 3 -name '*.dist-info' | wc -l) step=installed
        else
            count=$(grep -c '^Collecting' "$log" || true) step=fetched
        fi
        # A new environment has two packages of its own.
        echo "$name: $((count > packages ? packages : count)) of $packages packages $step, $SECONDS s"
    done
}

install() { # says `|| return` each time: bash does not stop at errors in a function whose status is looked at
    [ -x "$env/bin/python" ] || "$python" -m venv "$env" || return
    local pip=("$env/bin/python" -m pip install --disable-pip-version-check --no-input --no-compile)
    "${pip[@]}" --no-deps -r <(grep -v '^torch==' "$lock") || return
    if torch=$(grep '^torch==' "$lock"); then "${pip[@]}" --constraint "$lock" "$torch" || return; fi
}

progress &
trap "kill $! 2>/dev/null || true" EXIT
install >"$log" 2>&1 || fail "$name: the installation failed
$(tail -n 15 "$log")
The whole log: $log. Run the same command again; what pip has cached is not fetched twice."
touch "$env/.stamp"
echo "$name: installed in $SECONDS s"
