"""`malgwi loadtest` as its user meets it: against a service that runs, with what goes wrong."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import psutil
import pytest
from audio.soundfiles import tone, write
from click.testing import CliRunner, Result
from test_library import Library, library, until
from test_serving import ENGINE

from malgwi import cli
from malgwi.ops.loadtest import check_address

SHORT = ("--hours", "0.0167", "--piece", "5", "--speed", "10")  # twelve pieces


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """Somebody who says something of a second and a half, and of two and a half."""
    turns = [np.pad(tone(440.0, each, 16_000), ((0, 0), (16_000, 0))) for each in (1.5, 2.5)]
    return write(tmp_path / "talk.wav", np.concatenate(turns, axis=1), 16_000)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Library]:
    (tmp_path / "service").mkdir()
    with library(tmp_path / "service", MALGWI_STT__OPTIONS='{"seconds": 0.02}') as service:
        yield service


def settings(tmp_path: Path, address: str = "http://127.0.0.1:9") -> dict[str, str]:
    return {
        "MALGWI_HOME": str(tmp_path / "home"),
        "MALGWI_MODELS": str(tmp_path / "home" / "models"),
        "MALGWI_CLIENT__ADDRESS": address,
        "MALGWI_VAD__ENGINE": "energy",
    }


def address(service: Library) -> str:
    return str(service.http.base_url).rstrip("/")


def run(tmp_path: Path, *arguments: object, **environment: str) -> Result:
    given = ["loadtest", "--out", str(tmp_path / "out"), *map(str, arguments)]
    return CliRunner().invoke(
        cli.main, given, env={**settings(tmp_path), "LC_ALL": "C", **environment}
    )


def report(tmp_path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    return found


def kept(service: Library) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = service.http.get("/v1/recordings").json()["items"]
    return found


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--channels", "0"], "--channels 0 is out of bounds"),
        (["--channels", "65"], "--channels 65 is out of bounds"),
        (["--hours", "1000"], "--hours 1000 is no length for a test"),
        (["--speed", "fast"], "--speed fast is neither a number nor max."),
        (["--from", "none.wav"], "none.wav"),
        (["--embedded", "--keep"], "--keep and --embedded"),
        ([], "Run: malgwi models pull sample"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_sent(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    said = run(tmp_path, *arguments)

    assert (said.exit_code, said.stderr.count("\n")) == (cli.EXIT_BAD_INPUT, 1)
    assert sentence in said.stderr
    assert not (tmp_path / "out" / "report.json").exists()


def test_without_a_service_there_is_a_sentence(tmp_path: Path, talk: Path) -> None:
    said = run(tmp_path, "--from", talk)

    assert said.exit_code == cli.EXIT_BAD_INPUT
    assert "Nothing answers at http://127.0.0.1:9." in said.stderr


def test_a_folder_that_cannot_be_written_is_said_before_a_service_is_asked(
    tmp_path: Path, talk: Path
) -> None:
    (tmp_path / "out").write_text("")

    said = run(tmp_path, "--from", talk)

    assert said.exit_code == cli.EXIT_BAD_INPUT
    assert "out cannot be written" in said.stderr


def test_somebody_elses_machine_is_left_alone(tmp_path: Path) -> None:
    said = run(tmp_path, MALGWI_CLIENT__ADDRESS="http://192.88.99.1:8000")

    assert said.exit_code == cli.EXIT_BAD_INPUT
    assert "give --yes-really-this-host if it is yours" in said.stderr
    assert check_address("http://127.0.0.1:1", meant=False) is True
    assert check_address("http://[::1]:1", meant=False) is True
    assert check_address("http://10.1.2.3:8000", meant=False) is False
    assert check_address("http://192.88.99.1:8000", meant=True) is False


@pytest.mark.slow
def test_sixteen_channels_are_put_through_and_none_of_it_is_lost(
    tmp_path: Path, running: Library, talk: Path
) -> None:
    said = run(tmp_path, "--from", talk, *SHORT, MALGWI_CLIENT__ADDRESS=address(running))

    found = report(tmp_path)
    assert found["verdict"]["nothing_lost"], said.output
    assert said.exit_code == (0 if found["verdict"]["passed"] else cli.EXIT_FAILED)
    assert said.stdout.startswith("Accelerated: 10 times real time, so this is not a real-time run")
    assert found["pieces"]["transcribed"] == 12
    assert found["lost"]["spoken_seconds"] == pytest.approx(0.2 * 16 * 60, rel=0.25)
    assert found["lost"]["unheard_seconds"] == 0
    assert 0 < found["lag"]["median"] <= found["lag"]["p95"] <= found["lag"]["max"]
    assert found["rtf"]["whole"] == pytest.approx(16 * found["rtf"]["per_channel"], rel=1e-3)
    assert found["memory"]["service_most_bytes"] > 50e6
    assert 0 < found["memory"]["headroom_share"] < 1
    assert found["gpu_memory"]["reason"] or found["gpu_memory"]["smallest_bytes"]
    assert kept(running) == [] and found["left"] == 0, "what was sent is removed again"


@pytest.mark.slow
def test_an_engine_that_is_killed_loses_nothing_and_a_job_that_comes_to_nothing_is_seen(
    tmp_path: Path, talk: Path
) -> None:
    slow = {"MALGWI_STT__OPTIONS": '{"seconds": 0.4}', "MALGWI_JOBS__WORKERS": "1"}

    def disturb(service: Library) -> None:
        until(lambda: kept(service))
        engines = psutil.Process(service.process.pid).children()
        next(each for each in engines if "spawn_main" in " ".join(each.cmdline())).kill()
        until(lambda: called_off(service))

    with library(tmp_path, **slow) as service:
        until(lambda: service.http.get("/health/ready").status_code == 200)
        thread = Thread(target=disturb, args=(service,))
        thread.start()
        said = run(tmp_path, "--from", talk, *SHORT, MALGWI_CLIENT__ADDRESS=address(service))
        thread.join()

    found = report(tmp_path)
    assert said.exit_code == cli.EXIT_FAILED
    assert "Jobs failed (1): 5 s of recordings have no transcript." in said.stdout
    assert (found["pieces"]["transcribed"], found["pieces"]["failed"]) == (11, 1)
    assert found["lost"]["recording_seconds"] == 5.0
    assert found["lost"]["without_transcript_seconds"] > 0
    assert found["lost"]["unheard_seconds"] == 0, "what the dead engine had was heard by the next"
    assert [each["reason"] for each in found["each"] if each["state"] == "failed"]


def called_off(service: Library) -> bool:
    """Whether a job that waited was called off."""
    waiting = service.http.get("/v1/jobs", params={"state": "queued"}).json()["items"]
    states = [
        service.http.post(f"/v1/jobs/{each['id']}/cancel").json()["state"] for each in waiting[:1]
    ]
    return states == ["cancelled"]


@pytest.mark.slow
def test_ctrl_c_reports_what_was_measured_and_takes_back_what_was_sent(
    tmp_path: Path, running: Library, talk: Path
) -> None:
    options = ("--from", str(talk), "--hours", "1", "--piece", "5", "--speed", "5")
    process = subprocess.Popen(
        [sys.executable, "-c", ENGINE, "loadtest", "--out", str(tmp_path / "out"), *options],
        env={**os.environ, "LC_ALL": "C", **settings(tmp_path, address(running))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: any(each["transcript"] for each in kept(running)))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()

    assert process.returncode == cli.EXIT_INTERRUPTED, err
    assert "Stopped before its end" in out
    found = report(tmp_path)
    assert (found["over"], found["interrupted"]) == (True, True)
    assert found["pieces"]["handed_in"] >= 1 and found["verdict"]["nothing_lost"]
    assert kept(running) == []
