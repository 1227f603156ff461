"""Places where jobs are done, over real databases and a real Redis."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jobs.servers import RedisServer
from jobs.sites import Distributed, Embedded, Site
from store.conftest import connections, url

from malgwi.store import Database

__all__ = ["connections", "url"]

PLACES = (
    "embedded-sqlite",
    pytest.param("embedded-postgresql", marks=pytest.mark.slow),
    pytest.param("celery-postgresql", marks=pytest.mark.slow),  # a minute, all of it
)


@pytest.fixture
def kind(place: str) -> str:
    """Which database."""
    return place.partition("-")[2]


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> str:
    """A test that uses it runs once in each."""
    return str(request.param)


@pytest.fixture
def site(
    place: str,
    url: str,
    connections: Callable[[str], Database],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Site]:
    database = connections(url)
    if place.startswith("embedded"):
        with Embedded(database, url, tmp_path) as embedded:
            yield embedded
        return
    redis: RedisServer = request.getfixturevalue("redis")
    redis.forget_all()
    with Distributed(database, url, tmp_path, redis.url) as distributed:
        yield distributed
