#!/bin/sh
# From a clone to services that answer: checks what is needed, makes settings and secrets that are not
# there yet, builds the image if there is none, starts everything and waits until it is healthy.
#   ./up.sh [option of docker compose up ...]    as --build, or --no-build --pull never
set -eu
cd -P "$(dirname "$0")" # not by a link, whose name would be that of another release tomorrow

NEEDED=2.30 # of compose: `gpus`, `!reset`
ROOM=1 # GB on Docker's disk
TO_BUILD=5 # GB where images are to be fetched or built, too

fail() {
    printf 'malgwi: %s\n' "$*" >&2
    exit 2
}

check_docker() {
    command -v docker >/dev/null ||
        fail "There is no docker here. Install Docker Engine with its compose plugin, or Docker Desktop."
    docker info >/dev/null 2>"$said" ||
        fail "Docker does not answer: $(head -n 1 "$said") Is it running, and may you use it" \
            "(on Linux: are you in the group docker)?"
    have=$(docker compose version --short 2>/dev/null) ||
        fail "Docker has no compose here. Install its plugin (docker-compose-plugin, $NEEDED or newer)."
    oldest=$(printf '%s\n%s\n' "$NEEDED" "${have#v}" | sort -V | head -n 1)
    [ "$oldest" = "$NEEDED" ] ||
        fail "Docker compose is $have; $NEEDED or newer is needed. Update its plugin."
}

# A name in .env that means nothing would leave unsaid that nothing was changed by it.
check_settings() {
    awk '
        function least(a, b) { return a < b ? a : b }
        function distance(a, b,    i, j, row, before, old) {
            for (j = 0; j <= length(b); j++) row[j] = j
            for (i = 1; i <= length(a); i++) {
                before = row[0]; row[0] = i
                for (j = 1; j <= length(b); j++) {
                    old = row[j]
                    row[j] = least(least(row[j], row[j - 1]) + 1, before + (substr(a, i, 1) != substr(b, j, 1)))
                    before = old
                }
            }
            return row[length(b)]
        }
        FNR == NR { if (match($0, /^#?[A-Z][A-Z0-9_]*=/)) { sub(/^#/, ""); sub(/=.*/, ""); known[$0] } next }
        match($0, /^[ \t]*(export[ \t]+)?[A-Za-z_][A-Za-z0-9_]*[ \t]*=/) {
            name = $0; sub(/^[ \t]*(export[ \t]+)?/, "", name); sub(/[ \t]*=.*/, "", name)
            if (name in known || name ~ /^COMPOSE_/ || name ~ /^MALGWI_(STT|VAD)__OPTIONS__/) next
            near = ""; best = length(name)
            for (each in known) if ((far = distance(name, each)) < best) { best = far; near = each }
            printf "malgwi: .env sets %s in line %d, and nothing is called that.", name, FNR
            print (best <= 4 ? " Is " near " meant?" : " .env.example lists what there is.")
            wrong = 1
        }
        END { exit wrong }
    ' .env.example .env >&2 || exit 2
}

# What they come to together is in $said until something is started.
check_files() {
    docker compose config >"$said" 2>&1 || {
        cat "$said" >&2
        fail "The compose files and .env do not go together; what is missing stands above."
    }
}

# A new one would not be that of the database that is there.
check_password() {
    volume=$(sed -n 's/^name: //p' "$said")_postgres
    if [ ! -s secrets/postgres_password ] && docker volume inspect "$volume" >/dev/null 2>&1; then
        fail "secrets/postgres_password is not there, and the database in the volume $volume has it. Put it" \
            "back; or begin anew, without the transcripts in it: docker compose down && docker volume rm $volume"
    fi
}

# Those that are not made here, as keys for TLS, can be anywhere.
check_secrets() {
    awk '
        /^[^ ]/ { inside = /^secrets:/ }
        inside && /^  [^ ]+:$/ { name = $1 }
        inside && sub(/^    file: /, "") { print name, $0 }
    ' "$said" | while read -r name each; do
        [ -f "$each" ] ||
            fail "$each is not there, and .env or COMPOSE_FILE in it asks for this secret. Put it there, or take" \
                "out what asks for it."
        case $name in *certificate: | authority:) continue ;; esac # which everybody may see
        if [ "$(anybody "$each" 8)" = r ] && [ "$(anybody "${each%/*}" 10)" != - ]; then
            fail "Everybody on this machine can read the secret $each. Keep others out of its folder:" \
                "chmod o-rwx ${each%/*}"
        fi
    done
}

anybody() { ls -Lld "$1" | cut -c"$2"; }

check_room() {
    root=$(docker info --format '{{.DockerRootDir}}' 2>/dev/null)
    [ -d "$root" ] || return 0 # it is in a machine of its own, as with Docker Desktop
    # shellcheck disable=SC2046 # names of images have no space
    docker image inspect $(docker compose config --images) >/dev/null 2>&1 || ROOM=$TO_BUILD
    free=$(df -Pk "$root" | awk 'NR == 2 { print int($4 / 1000000) }')
    [ "$free" -ge "$ROOM" ] || full "has $free GB left of $ROOM that are needed"
}

full() {
    fail "The disk of Docker $1. See what takes it: docker system df. Free some: docker builder prune," \
        "docker image prune"
}

# Not where it may be our own that listens.
check_ports() {
    [ -z "$(docker compose ps --quiet --status running 2>/dev/null)" ] || return 0
    # Each port with the address at which it is to be, if that is said.
    places=$(awk '$2 == "mode:" { at = "" } $1 == "host_ip:" { at = $2 }
        $1 == "published:" { gsub("\"", "", $2); print at ":" $2 }' "$said")
    for place in $places; do
        if listens "${place%:*}" "${place##*:}"; then taken "port ${place##*:}"; fi
    done
}

# Whether somebody does at this port, at this address or at all of them.
listens() {
    if [ -r /proc/net/tcp ]; then
        cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
            awk -v address="${1:-0.0.0.0}" -v port="$(printf '%04X' "$2")" '
                BEGIN { split(address, part, "."); at = sprintf("%02X%02X%02X%02X", part[4], part[3], part[2], part[1]) }
                $4 == "0A" {
                    split($2, there, ":")
                    everywhere = there[1] ~ /^0+$/ || at ~ /^0+$/
                    if (there[2] == port && (everywhere || substr(there[1], length(there[1]) - 7) == at)) found = 1
                }
                END { exit !found }'
    else
        lsof -nP -iTCP:"$2" -sTCP:LISTEN >/dev/null 2>&1
    fi
}

taken() {
    [ -e secrets.sh ] ||
        fail "Something else listens on $1. End it, or if it is where the door is to be, set" \
            "STACK_HTTP_PORT or STACK_HTTPS_PORT in the inventory and render again; then run this again."
    fail "Something else listens on $1. Set STACK_HTTP_PORT in deploy/.env to a free port, or end what" \
        "listens there; then run this again."
}

# What compose says of a fault is for who knows compose.
explain() {
    where=$(sed -n '/already in use\|already allocated/s/[^0-9]*.*[^0-9.]\([0-9.]*:[0-9][0-9]*\)[: ].*/\1/p' "$said" | head -n 1)
    [ -z "$where" ] || taken "$where"
    case $(cat "$said") in # as Docker 28 says it
        *'could not select device driver'* | *'failed to discover GPU vendor'*)
            fail "A container asks for a GPU, and Docker here knows of none. Install NVIDIA's driver and container" \
                "toolkit, then: nvidia-ctk runtime configure --runtime=docker && systemctl restart docker." \
                "Without a GPU leave compose/cuda.yaml out of COMPOSE_FILE in .env." ;;
        *nvidia-container-cli*'unknown device'* | *'unresolvable CDI devices'*)
            fail "There is no GPU with the UUID that .env names. nvidia-smi -L says those that there are; write one" \
                "into STACK_GPU_0 (STACK_GPU_1) in .env." ;;
        *'no space left on device'*) full "is full" ;;
    esac
    for each in $(docker compose ps --all --format '{{.Service}} {{.State}} {{.Health}} {{.ExitCode}}' |
        awk '$2 == "restarting" || $3 == "unhealthy" || ($2 == "exited" && $NF != 0) { print $1 }'); do
        printf 'malgwi: %s does not work. The end of its log:\n' "$each" >&2
        docker compose logs --no-log-prefix --tail 5 "$each" >&2
    done
    fail "Not everything came up; what did goes on. Mend what is said above and run this again, or take" \
        "all of it down, without losing anything: docker compose down"
}

said=$(mktemp)
trap 'rm -f "$said"' EXIT

check_docker
[ -e .env ] || cp .env.example .env
check_settings
check_files
check_password
[ ! -e secrets.sh ] || ./secrets.sh # what `malgwi deploy render` made has its secrets
check_secrets
check_room
check_ports
if ! docker compose up --detach --wait --wait-timeout 600 "$@" 2>"$said"; then
    cat "$said" >&2
    explain
fi
if door=$(docker compose port nginx 8443 2>/dev/null) && [ "${door%:0}" = "$door" ] && [ -n "$door" ]; then
    echo "Malgwi is at https://$door. Sign in with the key in deploy/secrets/admin_key."
elif door=$(docker compose port nginx 8080 2>/dev/null); then
    echo "Malgwi is at http://$door. Sign in with the key in deploy/secrets/admin_key."
else
    echo "Malgwi is up, and open to nobody outside of its containers."
fi
