"""An application with every kind of door in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway.doors import Doors, doors
from starlette.testclient import TestClient

from malgwi.gateway import Limits


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Doors]:
    limits = Limits(upload_bytes=8_000_000, uploads=2, field_bytes=1000, text_bytes=3000, fields=5)
    with doors(tmp_path / "spool", limits) as opened:
        yield opened


@pytest.fixture
def client(opened: Doors) -> Iterator[TestClient]:
    with TestClient(opened.app, raise_server_exceptions=False) as client:
        yield client
