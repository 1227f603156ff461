#!/bin/sh
# Says by which digests the images of others are here, as lines for .env: with them these bytes are
# started, whatever a registry calls by the same tag tomorrow.
#   docker compose pull --ignore-buildable && ./pin.sh >>.env
# A digest is a registry's. An image that was loaded from a file or made here has none, and is said.
set -eu
cd "$(dirname "$0")"

settings=$(docker compose config --environment)

value() { printf '%s\n' "$settings" | sed -n "s/^$1=//p"; }

files=$(value COMPOSE_FILE | tr ':' '\n')
without=0
# shellcheck disable=SC2086 # one name a line; none of ours has a space
for each in $(sed -n 's/^ *image: ${\(STACK_[A-Z_]*_IMAGE\):-\(.*\)}$/\1=\2/p' ${files:-compose.yaml} | sort -u); do
    name=${each%%=*}
    [ "$name" != STACK_CUDA_IMAGE ] || continue # ours
    image=$(value "$name")
    image=${image:-${each#*=}}
    case $image in *@sha256:*) continue ;; esac
    digest=$(docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$image" 2>/dev/null |
        sed -n "s|^${image%:*}@||p" | head -n 1)
    if [ -n "$digest" ]; then
        echo "$name=$image@$digest"
    else
        echo "malgwi: $image has no digest here: it is not here, or did not come from a registry." \
            "Run: docker pull $image" >&2
        without=1
    fi
done
exit "$without"
