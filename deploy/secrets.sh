#!/bin/sh
# Makes the secrets that are not there yet, in secrets/ beside this script; replaces none.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets
chmod 700 secrets

chance() { head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

# Nobody else gets through the folder; in a container it is another user who reads the file.
keep() {
    [ -s "secrets/$1" ] && return
    printf '%s\n' "$2" >"secrets/$1.new"
    chmod 444 "secrets/$1.new"
    mv -f "secrets/$1.new" "secrets/$1"
    echo "made secrets/$1"
}

keep postgres_password "$(chance)"
keep engine_key "mg_$(chance)"
keep admin_key "mg_$(chance)"
keep grafana_password "$(chance)"
keep redis_password.conf "requirepass $(chance)"
keep redis_url "redis://:$(cut -d' ' -f2 secrets/redis_password.conf)@redis:6379/0"
keep oracle_password "m$(chance | head -c 29)" # Oracle takes 30, and a letter first
keep oracle_user_password "m$(chance | head -c 29)"
