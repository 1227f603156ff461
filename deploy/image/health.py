"""Whether what runs in this container works, asked by Docker; ends with 0 if so, else says why not.

health.py http PORT PATH    a service answers there
health.py queue             Redis knows this worker: one whose connection is lost does no jobs
health.py database          PostgreSQL heard from this container within the last half minute
"""

import sys
import urllib.error
import urllib.request

LATELY = 30
"""Seconds; the reaper looks every second."""


def main(what: str, *where: str) -> str | None:
    """The fault, if there is one."""
    return {"http": http, "queue": queue, "database": database}[what](*where)


def http(port: str, path: str) -> str | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=28):
            return None
    except urllib.error.HTTPError as error:
        return f"{path} answers {error.code}: {error.read(200).decode(errors='replace')}"
    except OSError as error:
        return f"{path} does not answer: {error}"


def queue() -> str | None:
    import redis

    from malgwi.config import read_config

    broker = read_config().jobs.broker
    assert broker
    with redis.Redis.from_url(broker.get_secret_value(), socket_timeout=5) as asking:
        ours = asking.client_info()["addr"].rpartition(":")[0]
        others = [each for each in asking.client_list() if each["addr"].startswith(f"{ours}:")]
    if len(others) > 1:  # beside the one that asks
        return None
    return "Redis has no connection of this worker."


def database() -> str | None:
    import psycopg

    from malgwi.config import database_address, read_config

    with psycopg.connect(database_address(read_config()), connect_timeout=5) as asking:
        row = asking.execute(
            "select count(*) from pg_stat_activity where client_addr = inet_client_addr()"
            " and pid <> pg_backend_pid() and state_change > now() - make_interval(secs => %s)",
            [LATELY],
        ).fetchone()
    return None if row and row[0] else f"It has not asked PostgreSQL for {LATELY} s."


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
