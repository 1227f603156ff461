#!/bin/sh
# Sets up .venv with what the lock files name, and the project itself. Called by `make setup`.
# With uv where it is here and works; otherwise with python3 -m venv and pip.
set -eu

venv=.venv
python=$venv/bin/python

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for each in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$each" >/dev/null && new_enough "$each"; then
            command -v "$each"
            return
        fi
    done
    fail "Python 3.11 or newer is needed (on Debian and Ubuntu: apt install python3 python3-venv;" \
        "on macOS: brew install python). One that is elsewhere: make setup PYTHON=/path/to/python3"
}

with_uv() {
    [ -x $python ] && new_enough $python || uv venv --quiet --clear --python '>=3.11' $venv || return
    install_with() { uv pip install --quiet --python $python "$@"; }
    install_all
}

with_pip() {
    if ! { [ -x $python ] && new_enough $python && $python -m pip --version >/dev/null 2>&1; }; then
        found=$(find_python) || exit 1
        "$found" -m venv --clear $venv ||
            fail "$found cannot make a virtual environment (on Debian: apt install python3-venv)."
    fi
    install_with() { $python -m pip install --quiet --disable-pip-version-check "$@"; }
    install_all
}

install_all() {
    install_with --require-hashes -r requirements.lock &&
        install_with --no-deps --no-build-isolation --editable . &&
        install_cpwer
}

# meeteval has no wheels. What needs it says so where it is missing.
install_cpwer() {
    if ! can_compile; then
        say "No C++ compiler or no headers of Python here: cpWER is left out" \
            "(on Debian: apt install g++ python3-dev; then make clean setup)."
    elif ! install_with --no-build-isolation --require-hashes -r requirements-cpwer.lock; then
        say "meeteval could not be built: cpWER is left out."
    fi
}

can_compile() {
    { command -v c++ || command -v g++; } >/dev/null && $python -c '
import pathlib, sys, sysconfig
sys.exit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").is_file())'
}

say "Setting up $venv (once; some minutes)."
if ! command -v uv >/dev/null; then
    with_pip || fail "pip could not install what requirements.lock names; it says why above."
elif ! with_uv; then
    say "uv could not do it; trying pip."
    with_pip || fail "pip could not install what requirements.lock names; it says why above."
fi
say "$venv is ready."
