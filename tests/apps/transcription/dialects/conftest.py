"""One desk for all tests of a module."""

from collections.abc import Iterator

import pytest
from apps.transcription.dialects.desk import Desk, Rehearsed, desk

from malgwi.testing import OneEngine


@pytest.fixture(scope="module")
def engine() -> Rehearsed:
    return Rehearsed()


@pytest.fixture(scope="module")
def at(engine: Rehearsed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(OneEngine(engine), tmp_path_factory.mktemp("spool")) as opened:
        yield opened
