#!/bin/sh
# Takes the containers to another image, and back where that does not work. Fetches nothing.
#   ./upgrade.sh IMAGE [CUDA_IMAGE]    as malgwi:cpu-0.2.0, the second with compose/cuda.yaml
# If it is killed, run it again: .upgrade and .env.before know what was before.
set -eu
cd "$(dirname "$0")"

DOOR=nginx
STATE=.upgrade

say() { printf 'malgwi: %s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 2
}

with_new() { STACK_IMAGE=$image STACK_CUDA_IMAGE=${cuda:-malgwi:none} docker compose "$@"; }

# Services that are of our images, whatever compose files .env names.
ours() {
    STACK_IMAGE=malgwi:probe STACK_CUDA_IMAGE=malgwi:probe docker compose config |
        awk '/^  [A-Za-z0-9_.-]+:$/ { name = $1; sub(":", "", name) } $0 == "    image: malgwi:probe" { print name }'
}

has() { docker compose config --services | grep -qx "$1"; }

remembered() { sed -n "s/^$1=//p" "$STATE" | tail -n 1; }

# The name of the image that a service runs on. Where that names another by now, one of our own.
image_of() {
    container=$(docker compose ps --all --quiet "$1" | head -n 1)
    [ -n "$container" ] || return 0
    id=$(docker inspect --format '{{.Image}}' "$container")
    name=$(docker inspect --format '{{.Config.Image}}' "$container")
    if [ "$(docker image inspect --format '{{.Id}}' "$name" 2>/dev/null)" != "$id" ]; then
        name=malgwi:before-$(printf %s "${id#sha256:}" | cut -c 1-12)
        docker tag "$id" "$name"
    fi
    printf '%s\n' "$name"
}

# Writes NAME=VALUE into .env, all of it or nothing.
set_image() {
    [ -n "$2" ] || return 0
    cp -p .env .env.new &&
        { grep -v "^$1=" .env || [ $? -eq 1 ]; } >.env.new && # 1: nothing else is set
        printf '%s=%s\n' "$1" "$2" >>.env.new &&
        mv -f .env.new .env
}

check_image() {
    docker image inspect "$1" >/dev/null 2>&1 ||
        fail "There is no image $1 here. Carry it over with docker load, fetch it with docker pull, or build it."
    libraries=$(docker image inspect --format '{{index .Config.Labels "malgwi.device"}}' "$1")
    case $libraries in cuda) libraries="libcublas.so.12 libcublasLt.so.12" ;; *) libraries= ;; esac
    say "Testing $1"
    # shellcheck disable=SC2086 - two words
    docker run --rm --network none --read-only --tmpfs /tmp:mode=1777 --entrypoint python "$1" \
        /opt/malgwi/share/check.py $libraries >"$said" 2>&1 || {
        cat "$said" >&2
        fail "The image $1 does not work here; why stands above. Nothing was changed."
    }
}

# All but the door, and then the door: what comes in is kept by a service that works, and not given up.
start() {
    say "Starting $1"
    others=$(docker compose config --services | grep -vx "$DOOR" || true)
    # shellcheck disable=SC2086 - a word each
    docker compose up --detach --wait --wait-timeout 600 --no-build --pull never $others >"$said" 2>&1 &&
        given_up= &&
        docker compose up --detach --wait --wait-timeout 120 --no-build --pull never >"$said" 2>&1
}

explain() {
    tail -n 3 "$said" >&2
    for each in $(docker compose ps --all --format '{{.Service}} {{.State}} {{.Health}} {{.ExitCode}}' |
        awk '$2 == "restarting" || $3 == "unhealthy" || ($2 == "exited" && $NF != 0) { print $1 }'); do
        say "$each does not work. The end of its log:"
        docker compose logs --no-log-prefix --tail 5 "$each" >&2
    done
}

go_back() {
    trap '' INT TERM HUP
    say "$* Going back to $before."
    # shellcheck disable=SC2046 - a word each
    docker compose stop $(ours) >"$said" 2>&1 || true
    step=$(remembered step)
    if [ -n "$step" ]; then
        # shellcheck disable=SC2086 - one word or none
        with_new run --rm --no-deps -T migrate upgrade --back-to "$step" $given_up >&2 ||
            fail "The database could not be put back, so nothing was started. Mend what is said above, and run" \
                "this again."
    fi
    cmp -s .env.before .env || { cp -p .env.before .env.new && mv -f .env.new .env; } ||
        fail ".env cannot be written, so nothing was started; the database is that of before. Make room, and run" \
            "this again."
    case $before in malgwi:before-*) set_image STACK_IMAGE "$before" ;; esac
    case $cuda_before in malgwi:before-*) set_image STACK_CUDA_IMAGE "$cuda_before" ;; esac
    if ! start "$before"; then
        explain
        fail "$before does not start either; the database is that of before. Mend what is said above: ./up.sh"
    fi
    rm -f "$STATE" .env.before
    say "All is as before, with $before."
    exit 1
}

[ $# -ge 1 ] && [ -n "$1" ] || fail "Which image? ./upgrade.sh IMAGE [CUDA_IMAGE]"
image=$1 cuda=${2:-}
[ -z "${STACK_IMAGE:-}${STACK_CUDA_IMAGE:-}" ] ||
    fail "STACK_IMAGE is set in the environment, and would go before .env. Run: unset STACK_IMAGE STACK_CUDA_IMAGE"
command -v docker >/dev/null && docker compose version >/dev/null 2>&1 ||
    fail "There is no docker with compose here. ./up.sh says what is needed."
[ -e .env ] && [ -n "$(docker compose ps --all --quiet 2>/dev/null)" ] ||
    fail "Nothing runs here that could be upgraded. Set STACK_IMAGE in .env, and run ./up.sh"
services=$(ours)
docker compose config --services | grep -qxE 'api|(worker|engine)(-.*)?' || {
    say "Nothing here is of an image of Malgwi: there is nothing to upgrade."
    exit 0
}
[ -n "$services" ] ||
    fail "Which images run here is not settled by STACK_IMAGE but by another compose file. Upgrade by what made that."
first=$(printf '%s\n' "$services" | grep -vxE 'migrate|models|engine.*' | head -n 1)
first=${first:-$(printf '%s\n' "$services" | head -n 1)}

said=$(mktemp)
trap 'rm -f "$said"' EXIT

check_image "$image"
[ -z "$cuda" ] || check_image "$cuda"

[ -e .env.before ] || rm -f "$STATE" # of which nothing could be told
if [ -e "$STATE" ]; then
    ! kill -0 "$(remembered pid)" 2>/dev/null || fail "Another upgrade is under way here. Wait for it."
    before=$(remembered before) cuda_before=$(remembered cuda_before)
    say "Going on with an upgrade that was broken off. Before was $before."
    printf 'pid=%s\n' $$ >>"$STATE"
    given_up= # somebody may have started it by hand since, and used it
else
    given_up=--lose-newer # what the new workers did; it is done again
    before=$(image_of "$first") cuda_before=
    [ -n "$before" ] || fail "There is no container of $first. Run ./up.sh, and then this again."
    [ -z "$cuda" ] || cuda_before=$(image_of engine)
    step=
    if has migrate; then
        with_new run --rm --no-deps -T migrate upgrade --dry-run >"$said" || {
            cat "$said" >&2
            fail "Nothing was changed."
        }
        cat "$said" >&2
        step=$(sed -n 's/.* from step \([^ ]*\) to .*/\1/p' "$said")
    fi
    [ ! -e "$STATE" ] || fail "Another upgrade began here meanwhile. Wait for it."
    cp -p .env .env.before
    printf '%s\n' "pid=$$" "before=$before" "cuda_before=$cuda_before" "step=$step" >"$STATE.new"
    mv -f "$STATE.new" "$STATE"
fi

trap 'go_back "Broken off."' INT TERM
trap 'exec >/dev/null 2>&1; go_back "Broken off."' HUP # the terminal is gone, and what is said to it fails
say "Closing the door, and having jobs given back"
if has "$DOOR"; then docker compose stop "$DOOR" >"$said" 2>&1 || go_back "The door does not close."; fi
# shellcheck disable=SC2086 - a word each
docker compose stop $services >"$said" 2>&1 || go_back "Not everything can be stopped."
if has migrate; then
    with_new run --rm --no-deps -T migrate upgrade >"$said" || go_back "The database was not migrated."
    [ ! -s "$said" ] || say "The database of before is in the volume of the data: $(cat "$said")"
fi
{ set_image STACK_IMAGE "$image" && set_image STACK_CUDA_IMAGE "$cuda"; } || go_back ".env cannot be written."
if ! start "$image"; then
    explain
    go_back "$image does not serve."
fi
trap - INT TERM HUP
rm -f "$STATE" .env.before
say "$image serves."
