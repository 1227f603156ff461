#!/bin/sh
# What the tests of alerts and dashboards need beside .venv: Prometheus and its promtool, taken out of
# Debian's package without installing it, as its service would start. Without them those tests are
# skipped. Debian and Ubuntu, by anybody who may read the package lists.
set -eu

place=${XDG_CACHE_HOME:-$HOME/.cache}/malgwi/prometheus

[ -x "$place/usr/bin/promtool" ] && [ -x "$place/usr/bin/prometheus" ] && exit
mkdir -p "$place"
cd "$place"
apt-get download --quiet prometheus ||
    { apt-get update --quiet && apt-get download --quiet prometheus; }
dpkg-deb --extract prometheus_*.deb .
if [ ! -x usr/bin/promtool ]; then # newer releases have it in a package of its own
    apt-get download --quiet promtool
    dpkg-deb --extract promtool_*.deb .
fi
rm -f ./*.deb
usr/bin/promtool --version | head -n 1
