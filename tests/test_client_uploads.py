"""Files on their way to a service, over a line that breaks and a service that does not wait."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from apps.transcription.api.site import LIMITS, Site, site, wav
from deadline import until
from gateway.serving import serving
from test_client import Line

from malgwi import client_uploads
from malgwi.client_http import Service
from malgwi.errors import BadInput

SAID = {"filename": "radio.wav", "filetype": "audio/wav", "part": "true"}
SOUND = wav(90.0)
"""1.4 MB: several blocks."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, str]]:
    with (
        site(tmp_path_factory.mktemp("site"), LIMITS) as made,
        serving(made.app) as port,
    ):
        yield made, f"http://127.0.0.1:{port}"


@pytest.fixture
def here(served: tuple[Site, str]) -> Iterator[Site]:
    yield served[0]
    served[0].empty()


@pytest.fixture
def service(served: tuple[Site, str], here: Site) -> Iterator[Service]:
    with closing(Service(served[1], None)) as opened:
        yield opened


def on_disk(tmp_path: Path, content: bytes = SOUND) -> io.BufferedReader:
    path = tmp_path / "radio.wav"
    path.write_bytes(content)
    return path.open("rb")


def begun(here: Site) -> list[str]:
    """The ids of uploads that are under way."""
    return [each.name for each in (here.folder / "data" / "uploads").iterdir()]


def test_a_service_that_did_not_wait_any_longer_is_gone_on_with(
    here: Site, service: Service, tmp_path: Path
) -> None:
    slow = iter([True])

    def on_sent(sent: int, of: int) -> None:
        if next(slow, False):  # until the service has given it up, and kept what came
            until(lambda: any(here.doors.uploads.find(each).received for each in begun(here)))

    with on_disk(tmp_path) as file:
        upload_id = client_uploads.send(service, file, SAID, on_sent)

    made = client_uploads.join(service, [upload_id], {"name": "Night"})
    assert made["recording"]["name"] == "Night"
    [media] = made["recording"]["media"]
    assert media["sha256"] == hashlib.sha256(SOUND).hexdigest()


def test_an_answer_that_is_lost_is_asked_for_again(
    here: Site, service: Service, tmp_path: Path
) -> None:
    with on_disk(tmp_path) as file:
        upload_id = client_uploads.send(service, file, SAID, lambda *_: None)
    with closing(Line(service.address)) as line, closing(Service(line.address, None)) as broken:
        line.breaks_after = [0]

        made = client_uploads.join(broken, [upload_id], {})

        assert line.broke == 1
    [kept] = here.store.recordings().items
    assert made["recording"]["id"] == kept.id
    assert here.actions() == ["recording.create"]


def test_a_file_that_becomes_shorter_on_its_way_is_said(service: Service, tmp_path: Path) -> None:
    def on_sent(sent: int, of: int) -> None:
        (tmp_path / "radio.wav").write_bytes(b"")

    with on_disk(tmp_path) as file, pytest.raises(BadInput, match="shorter"):
        client_uploads.send(service, file, SAID, on_sent)


def test_of_a_file_that_grows_on_its_way_that_is_sent_which_was_there(
    here: Site, service: Service, tmp_path: Path
) -> None:
    def on_sent(sent: int, of: int) -> None:
        with (tmp_path / "radio.wav").open("ab") as more:
            more.write(b"more")

    with on_disk(tmp_path) as file:
        upload_id = client_uploads.send(service, file, SAID, on_sent)

    assert here.doors.uploads.find(upload_id).received == len(SOUND)
