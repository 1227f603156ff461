#!/bin/sh
# What the tests of the console need beside .venv: Chromium, a Korean font, and axe-core.
# Without them those tests are skipped. Debian and Ubuntu, as root.
set -eu

cache=${XDG_CACHE_HOME:-$HOME/.cache}/malgwi/axe

if ! command -v chromium >/dev/null || ! fc-list :lang=ko | grep -q .; then
    apt-get update --quiet
    apt-get install --quiet --yes --no-install-recommends chromium fonts-nanum fontconfig
fi
[ -f "$cache/node_modules/axe-core/axe.min.js" ] ||
    npm install --silent --no-audit --no-fund --prefix "$cache" axe-core@4.10.3
