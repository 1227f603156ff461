import io
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from apps.transcription.api.site import NO_ID, Site
from audio.soundfiles import Sound, samples_of, tones, wav_bytes, write
from starlette.testclient import TestClient

from malgwi.audio import open_recording
from malgwi.store import NewRecording

RATE = 16_000


def sent(client: TestClient, *files: Path, **fields: Any) -> str:
    """The path at which the sound of the recording is."""
    named = {f"file{number}": (each.name, each.read_bytes()) for number, each in enumerate(files)}
    answer = client.post("/v1/recordings", files=named, data={"transcribe": "false", **fields})
    assert answer.status_code == 201, answer.text
    return f"/v1/recordings/{answer.json()['recording']['id']}/sound"


def heard(content: bytes) -> np.ndarray[Any, np.dtype[np.int16]]:
    """Shaped [channels, samples]."""
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getframerate(), file.getsampwidth()) == (RATE, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples.reshape(-1, file.getnchannels()).T


def stored(sound: Sound) -> np.ndarray[Any, np.dtype[np.int16]]:
    return np.clip(np.rint(sound * 32768), -32768, 32767).astype(np.int16)


@pytest.fixture
def client(opened: Site) -> TestClient:
    return opened.client()


def test_pieces_joined_are_letter_for_letter_the_whole(client: TestClient, tmp_path: Path) -> None:
    file = write(tmp_path / "radio.flac", tones(3, 10.0, 8_000), 8_000, "flac")
    path = sent(client, file)

    pieces = [client.get(path, params={"start": at, "seconds": 5}).content for at in (0, 5)]
    whole = client.get(path, params={"seconds": 10}).content

    joined = np.concatenate([heard(each) for each in pieces], axis=1)
    assert np.array_equal(joined, heard(whole))
    assert np.array_equal(joined, stored(samples_of(open_recording([file]))))


def test_sound_that_is_kept_in_sixteen_bits_comes_as_it_is(
    client: TestClient, tmp_path: Path
) -> None:
    file = write(tmp_path / "as-it-is.wav", tones(1, 1.0, level=1.0))
    with wave.open(str(file)) as original:
        kept = original.readframes(original.getnframes())

    answer = client.get(sent(client, file), params={"seconds": 30})

    assert answer.content[44:] == kept
    assert answer.headers["content-type"] == "audio/wav"


def test_channels_are_chosen_and_come_in_that_order(client: TestClient, tmp_path: Path) -> None:
    path = sent(client, write(tmp_path / "four.wav", tones(4, 1.0)))

    all_of_them = heard(client.get(path, params={"seconds": 1}).content)
    chosen = heard(client.get(path, params={"seconds": 1, "channels": "3,0"}).content)

    assert np.array_equal(chosen, all_of_them[[3, 0]])


def test_each_file_is_where_its_offset_says_and_silent_elsewhere(
    client: TestClient, tmp_path: Path
) -> None:
    first = write(tmp_path / "a.wav", tones(1, 2.0))
    second = write(tmp_path / "b.wav", tones(1, 2.0, level=0.1))
    path = sent(client, first, second, offsets=["0", "1.5"])

    sound = heard(client.get(path, params={"start": 1, "seconds": 2}).content)

    assert not sound[0, RATE:].any()
    assert not sound[1, : RATE // 2].any()
    assert sound[0, :RATE].any()
    assert sound[1, RATE // 2 :].any()


def test_two_channels_of_the_same_bytes_are_heard_each_where_it_is(
    client: TestClient, tmp_path: Path
) -> None:
    silent = write(tmp_path / "a.wav", tones(1, 1.0))
    other = write(tmp_path / "b.wav", tones(1, 1.0))
    path = sent(client, silent, other, offsets=["0", "0.5"])

    sound = heard(client.get(path, params={"seconds": 2}).content)

    assert sound.shape == (2, 3 * RATE // 2)
    assert np.array_equal(sound[0, :RATE], sound[1, RATE // 2 :])


def test_at_the_end_there_is_less_and_behind_it_nothing(client: TestClient, tmp_path: Path) -> None:
    path = sent(client, write(tmp_path / "short.wav", tones(1, 2.0)))

    assert heard(client.get(path, params={"start": 1.5, "seconds": 5}).content).shape == (1, 8000)
    behind = client.get(path, params={"start": 2, "seconds": 5})
    assert behind.status_code == 416
    assert behind.json()["type"] == "urn:malgwi:problem:past_the_end"


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"seconds": 0},
        {"seconds": 31},
        {"seconds": "nan"},
        {"seconds": 5, "start": -1},
        {"seconds": 5, "start": "inf"},
        {"seconds": 5, "channels": "1"},
        {"seconds": 5, "channels": ""},
        {"seconds": 5, "channels": "0,"},
        {"seconds": 5, "channels": ",".join("0" * 65)},
    ],
)
def test_a_piece_that_makes_no_sense_is_refused(
    client: TestClient, tmp_path: Path, asked: dict[str, str]
) -> None:
    path = sent(client, write(tmp_path / "short.wav", tones(1, 0.5)))

    answer = client.get(path, params=asked)

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_what_a_browser_has_already_is_not_sent_again(client: TestClient, tmp_path: Path) -> None:
    path = sent(client, write(tmp_path / "short.wav", tones(1, 0.5)))
    first = client.get(path, params={"seconds": 1})
    tag = {"if-none-match": first.headers["etag"]}

    assert first.headers["cache-control"] == "private, no-cache"
    assert client.get(path, params={"seconds": 1}, headers=tag).status_code == 304
    assert client.get(path, params={"seconds": 2}, headers=tag).status_code == 200


def test_a_recording_that_is_not_here_or_has_no_sound_has_none(
    opened: Site, client: TestClient, tmp_path: Path
) -> None:
    empty = opened.store.add_recording(NewRecording(name="only a name"))
    page = tmp_path / "page.wav"
    page.write_text("<html>")

    for name in (NO_ID, empty.id):
        assert client.get(f"/v1/recordings/{name}/sound?seconds=1").status_code == 404
    answer = client.get(sent(client, page), params={"seconds": 1})
    assert answer.status_code == 400
    assert str(opened.folder) not in answer.text


def test_sixty_four_channels_are_the_most_and_can_be_had(
    client: TestClient, tmp_path: Path
) -> None:
    file = tmp_path / "many.wav"
    file.write_bytes(wav_bytes(tones(64, 0.5, 8_000), 8_000))

    assert heard(client.get(sent(client, file), params={"seconds": 1}).content).shape == (64, 8000)
