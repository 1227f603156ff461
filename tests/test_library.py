"""`malgwi serve`, killed at any moment, loses nothing and doubles nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import deadline
import httpx
import numpy as np
import psutil
import pytest
from audio.soundfiles import tone, write
from test_serving import ENGINE, alive, environment

KEY = "a-key-that-nobody-guesses"
TURNS = 24  # somebody speaks for a second and a half every four


class Library:
    """The service that runs."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.http = httpx.Client(base_url=url, timeout=30, trust_env=False)

    def submit(self, file: Path, **fields: str) -> dict[str, Any]:
        with file.open("rb") as sound:
            made = self.http.post("/v1/recordings", files={"file": sound}, data=fields)
        assert made.status_code == 201, made.text
        answer: dict[str, Any] = made.json()
        return answer

    def job(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(f"/v1/jobs/{id}").json()
        return found

    def transcripts(self, recording: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.http.get(
            f"/v1/recordings/{recording}/transcripts"
        ).json()
        return found

    def said(self, recording: str) -> list[tuple[int, float, str]]:
        [record] = self.transcripts(recording)
        transcript = self.http.get(f"/v1/transcripts/{record['id']}").json()
        return [(each["channel"], each["start"], each["text"]) for each in transcript["utterances"]]


@contextmanager
def library(folder: Path, **settings: str) -> Iterator[Library]:
    with (folder / "log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", ENGINE, "serve", "--port", "0"],
            env=environment(folder, {"MALGWI_ENGINE__WYOMING": "0", **settings}),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert line.startswith("Listening on http://"), (folder / "log").read_text()
        running = Library(process, line.split()[2].rstrip("."))
        with running.http:
            yield running
    finally:
        process.kill()
        process.communicate()


until = partial(deadline.until, seconds=60.0)


def slow(seconds: float) -> str:
    return json.dumps({"seconds": seconds})


@pytest.fixture
def watch(tmp_path: Path) -> Path:
    """A minute and a half of a radio channel on which no two turns sound alike."""
    turns = [
        np.pad(tone(300.0 + 20 * turn, 1.5, 16_000), ((0, 0), (0, 40_000))) for turn in range(TURNS)
    ]
    return write(tmp_path / "watch.wav", np.concatenate(turns, axis=1), 16_000)


def test_a_recording_is_kept_transcribed_and_read(tmp_path: Path, watch: Path) -> None:
    with library(tmp_path) as running:
        made = running.submit(watch, name="Night watch", languages="en")

        until(lambda: running.job(made["job"]["id"])["state"] == "done")

        assert len(running.said(made["recording"]["id"])) == TURNS
        kept = running.http.get(f"/v1/recordings/{made['recording']['id']}").json()
        assert (kept["name"], kept["duration"]) == ("Night watch", TURNS * 4.0)


@pytest.mark.slow
def test_two_channels_of_the_same_bytes_are_transcribed_each(tmp_path: Path, watch: Path) -> None:
    with library(tmp_path) as running:
        files = [("file", (name, watch.read_bytes())) for name in ("tower.wav", "gate.wav")]
        made = running.http.post("/v1/recordings", files=files, data={"languages": "en"}).json()

        until(lambda: running.job(made["job"]["id"])["state"] == "done")

        channels = [channel for channel, _, _ in running.said(made["recording"]["id"])]
        assert (channels.count(0), channels.count(1)) == (TURNS, TURNS)


@pytest.mark.slow
def test_the_engine_works_for_whoever_may_edit_and_for_no_other(
    tmp_path: Path, watch: Path
) -> None:
    admin = {"authorization": f"Bearer {KEY}"}
    with library(tmp_path, MALGWI_ENGINE__KEYS=KEY) as running:

        def key(role: str) -> dict[str, str]:
            made = running.http.post(
                "/v1/keys", json={"name": role, "role": role}, headers=admin
            ).json()
            return {"authorization": f"Bearer {made['secret']}"}

        def heard(path: str, field: str, headers: dict[str, str]) -> httpx.Response:
            with watch.open("rb") as sound:
                return running.http.post(path, files={field: sound}, headers=headers)

        viewer, editor = key("viewer"), key("editor")
        refused = heard("/v1/audio/transcriptions", "file", viewer)

        assert refused.status_code == 403
        assert "editor" in refused.json()["error"]["message"]
        for path in ("/v1/listen", "/asr", "/detect-language", "/inference", "/load"):
            assert heard(path, "audio_file", viewer).status_code == 403, path
        assert running.http.get("/v1/models", headers=viewer).is_success
        assert heard("/v1/audio/transcriptions", "file", editor).is_success
        assert heard("/v1/audio/transcriptions", "file", admin).is_success


@pytest.mark.slow
def test_kill_9_in_the_middle_loses_nothing_and_doubles_nothing(
    tmp_path: Path, watch: Path
) -> None:
    (tmp_path / "other").mkdir()
    with library(tmp_path / "other") as undisturbed:
        made = undisturbed.submit(watch, languages="en")
        until(lambda: undisturbed.job(made["job"]["id"])["state"] == "done")
        expected = undisturbed.said(made["recording"]["id"])

    with library(tmp_path, MALGWI_STT__OPTIONS=slow(0.5)) as running:
        made = running.submit(watch, languages="en")
        until(lambda: running.job(made["job"]["id"])["progress"].get("speech_done", 0) > 5)
        before = running.job(made["job"]["id"])["progress"]["speech_done"]
        children = psutil.Process(running.process.pid).children(recursive=True)
        running.process.kill()
        until(lambda: not alive(children))

    with library(tmp_path) as again:
        began = time.monotonic()
        until(lambda: again.job(made["job"]["id"])["state"] == "done")

        assert time.monotonic() - began < 30
        assert again.job(made["job"]["id"])["attempt"] == 2
        assert again.said(made["recording"]["id"]) == expected
    assert before > 5


@pytest.mark.slow
def test_a_second_service_on_the_same_data_takes_no_job_from_the_first(
    tmp_path: Path, watch: Path
) -> None:
    with library(tmp_path, MALGWI_STT__OPTIONS=slow(6.0)) as first:
        made = first.submit(watch, languages="en")
        until(lambda: first.job(made["job"]["id"])["state"] == "running")

        with library(tmp_path) as second:
            until(lambda: second.job(made["job"]["id"])["state"] == "done")

            assert second.job(made["job"]["id"])["attempt"] == 1


@pytest.mark.slow
def test_sigterm_in_the_middle_gives_the_job_back_without_blame(
    tmp_path: Path, watch: Path
) -> None:
    with library(tmp_path, MALGWI_STT__OPTIONS=slow(0.5)) as running:
        made = running.submit(watch, languages="en")
        until(lambda: running.job(made["job"]["id"])["state"] == "running")
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(timeout=60) == 0

    with library(tmp_path) as again:
        until(lambda: again.job(made["job"]["id"])["state"] == "done")

        assert len(again.said(made["recording"]["id"])) == TURNS


@pytest.mark.slow
def test_who_follows_a_job_does_not_keep_the_service_from_ending(
    tmp_path: Path, watch: Path
) -> None:
    with library(tmp_path, MALGWI_STT__OPTIONS=slow(60.0)) as running:
        made = running.submit(watch, languages="en")
        with running.http.stream("GET", f"/v1/jobs/{made['job']['id']}/events") as events:
            lines = events.iter_lines()
            assert next(lines).startswith("retry")

            running.process.send_signal(signal.SIGTERM)

            assert running.process.wait(timeout=15) == 0
            assert "end" not in {each.removeprefix("event: ") for each in lines}


@pytest.mark.slow
def test_a_file_that_falls_into_the_watched_folder_is_transcribed_and_left_there(
    tmp_path: Path, watch: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    with library(tmp_path, MALGWI_SERVE__WATCH=str(folder)) as running:
        (folder / "night.wav").write_bytes(watch.read_bytes())

        def recordings() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = running.http.get("/v1/recordings").json()["items"]
            return found

        until(recordings)
        until(lambda: running.transcripts(recordings()[0]["id"]))

        assert [each["source"] for each in recordings()] == ["watch"]
        assert (folder / "night.wav").exists()


@pytest.mark.slow
def test_a_cancelled_job_stops(tmp_path: Path, watch: Path) -> None:
    with library(tmp_path, MALGWI_STT__OPTIONS=slow(1.0)) as running:
        made = running.submit(watch, languages="en")
        until(lambda: running.job(made["job"]["id"])["state"] == "running")

        assert running.http.post(f"/v1/jobs/{made['job']['id']}/cancel").status_code == 200

        until(lambda: running.job(made["job"]["id"])["state"] == "cancelled")
        assert running.transcripts(made["recording"]["id"]) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Twelve megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)]
    if (
        sys.platform != "linux"
        or os.geteuid() != 0
        or subprocess.run(mount, check=False).returncode
    ):
        pytest.skip("A small disk can be made by root on Linux only.")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.slow
def test_a_full_disk_is_said_and_costs_nothing_that_was_kept(
    tmp_path: Path, watch: Path, small_disk: Path
) -> None:
    with library(tmp_path, MALGWI_STORE__DATA=str(small_disk / "data")) as running:
        kept = running.submit(watch, languages="en")
        until(lambda: running.job(kept["job"]["id"])["state"] == "done")
        large = write(tmp_path / "large.wav", tone(200.0, 400.0, 16_000), 16_000)

        with large.open("rb") as sound:
            refused = running.http.post("/v1/recordings", files={"file": sound})

        assert refused.status_code == 507, refused.text
        assert len(running.said(kept["recording"]["id"])) == TURNS
        small = write(tmp_path / "small.wav", tone(500.0, 3.0, 16_000), 16_000)
        again = running.submit(small, languages="en")
        until(lambda: running.job(again["job"]["id"])["state"] == "done")
