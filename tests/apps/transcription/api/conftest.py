"""The API over a real store and a real ledger, in SQLite and in a folder of the test."""

from collections.abc import Iterator

import pytest
from apps.transcription.api.site import LIMITS, Site, site


@pytest.fixture(scope="session")
def open_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One for all tests, since putting one together takes longer than most of them."""
    with site(tmp_path_factory.mktemp("open"), LIMITS) as made:
        yield made


@pytest.fixture(scope="session")
def locked_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("locked"), LIMITS, needed=True) as made:
        yield made


@pytest.fixture
def opened(open_site: Site) -> Iterator[Site]:
    """Where nobody needs a key; nothing is kept yet."""
    yield open_site
    open_site.empty()


@pytest.fixture
def locked(locked_site: Site) -> Iterator[Site]:
    """Where everybody needs one; nothing is kept yet."""
    yield locked_site
    locked_site.empty()
