"""Redis: a real one, with and without what it should have."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jobs.servers import RedisServer
from ops.doctor.pretended import assert_amiss, look, pretend, subject

from malgwi.ops.doctor import Subject

ALL = [f"QUEUE-{number:03}" for number in range(1, 6)]
PASSWORD = "lantern-over-the-bay"


@pytest.fixture
def settings(redis: RedisServer) -> Iterator[RedisServer]:
    """Of the Redis of all tests; as they were afterwards."""
    names = ("maxmemory-policy", "appendonly", "maxmemory")
    with redis.client() as client:
        before = {name: client.config_get(name)[name] for name in names}
        yield redis
    with redis.client() as client:
        for name, value in before.items():
            client.config_set(name, value)


def patient(tmp_path: Path, broker: str, host: str = "127.0.0.1") -> Subject:
    jobs: dict[str, Any] = {"queue": "celery", "broker": broker.replace("127.0.0.1", host)}
    return subject(pretend(tmp_path), tmp_path, {"jobs": jobs})


def test_who_needs_no_redis_hears_nothing_of_one(tmp_path: Path) -> None:
    found = [look(id, subject(pretend(tmp_path), tmp_path)).state for id in ALL]

    assert found == ["skip"] * 5


def test_a_redis_that_is_well_is_left_alone(redis: RedisServer, tmp_path: Path) -> None:
    found = {id: look(id, patient(tmp_path, redis.url)).state for id in ALL if id != "QUEUE-002"}

    assert set(found.values()) == {"ok"}, found


def test_a_redis_without_a_password_is_said(redis: RedisServer, tmp_path: Path) -> None:
    assert_amiss(look("QUEUE-002", patient(tmp_path, redis.url)), "warn", "without a password")


def test_across_the_network_it_is_a_failure(redis: RedisServer, tmp_path: Path) -> None:
    beyond = patient(tmp_path, redis.url, host="127.0.0.1.")

    assert look("QUEUE-002", beyond).state in ("fail", "skip")  # where such a name is known


def test_a_redis_with_a_password_is_well_and_keeps_it(redis: RedisServer, tmp_path: Path) -> None:
    with redis.client() as client:
        client.config_set("requirepass", PASSWORD)
        try:
            locked = patient(tmp_path, redis.url.replace("://", f"://:{PASSWORD}@"))
            without = patient(tmp_path, redis.url)
            wrong = patient(tmp_path, redis.url.replace("://", "://:another-one-entirely@"))

            found = [look("QUEUE-001", locked), look("QUEUE-002", locked)]
            refused = [look("QUEUE-001", without), look("QUEUE-001", wrong)]
        finally:
            client.auth(PASSWORD)
            client.config_set("requirepass", "")

    assert [each.state for each in found] == ["ok", "ok"]
    for each in refused:
        assert_amiss(each, "fail", "password")
    assert PASSWORD not in str(found + refused)
    assert "another-one" not in str(refused)


def test_a_redis_that_throws_away_is_said(settings: RedisServer, tmp_path: Path) -> None:
    with settings.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")

    assert_amiss(look("QUEUE-003", patient(tmp_path, settings.url)), "fail", "allkeys-lru")


def test_a_redis_that_forgets_is_said(settings: RedisServer, tmp_path: Path) -> None:
    with settings.client() as client:
        client.config_set("appendonly", "no")

    assert_amiss(look("QUEUE-004", patient(tmp_path, settings.url)), "warn", "appendonly no")


def test_a_redis_that_is_full_is_said(settings: RedisServer, tmp_path: Path) -> None:
    with settings.client() as client:
        client.config_set("maxmemory", "1000")

    assert_amiss(look("QUEUE-005", patient(tmp_path, settings.url)), "warn", "of 0 MB")


def test_a_broker_that_is_not_there_is_said_once(tmp_path: Path) -> None:
    nowhere = patient(tmp_path, f"redis://:{PASSWORD}@127.0.0.1:9/0")

    found = look("QUEUE-001", nowhere)

    assert_amiss(found, "fail", "does not answer")
    assert "redis://:PASSWORD@HOST" in found.remedy
    assert PASSWORD not in str(found)
    assert [look(id, nowhere).state for id in ALL[1:]] == ["skip"] * 4


def test_celery_without_a_broker_is_said(tmp_path: Path) -> None:
    settings = {"jobs": {"queue": "celery"}}

    assert_amiss(
        look("QUEUE-001", subject(pretend(tmp_path), tmp_path, settings)), "fail", "broker"
    )
