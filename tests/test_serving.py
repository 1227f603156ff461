"""`malgwi engine` as whoever runs it meets it: started, asked, killed, and ended."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import deadline
import httpx
import psutil
import pytest
from audio.soundfiles import tone, write
from plugged_in import install

from malgwi.config import SHORT, setting_names

ENGINE = "from malgwi.cli import main; main()"
TRANSCRIPTIONS = "/v1/audio/transcriptions"


class Engine:
    """A service that runs, and the process that it runs in."""

    def __init__(self, process: subprocess.Popen[str], url: str, spool: Path) -> None:
        self.process, self.url, self.spool = process, url, spool
        self.http = httpx.Client(base_url=url, timeout=60, trust_env=False)

    def transcribe(self, file: Path, **fields: str) -> httpx.Response:
        with file.open("rb") as sound:
            return self.http.post(TRANSCRIPTIONS, files={"file": sound}, data=fields)

    def ready(self) -> bool:
        return self.http.get("/health/ready").status_code == 200

    @property
    def workers(self) -> list[psutil.Process]:
        """The processes that have a model."""
        children = psutil.Process(self.process.pid).children()
        return [each for each in children if "spawn_main" in " ".join(each.cmdline())]

    @property
    def spooled(self) -> list[Path]:
        return [each for each in self.spool.rglob("*") if each.is_file() and each.stat().st_size]


def environment(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    theirs, site = {*setting_names(), *SHORT}, folder / "site"
    own = {name: value for name, value in os.environ.items() if name not in theirs}
    return own | {
        "MALGWI_HOME": str(folder),
        "MALGWI_ENGINE__WYOMING_PORT": "0",
        "MALGWI_VAD__ENGINE": "energy",
        "MALGWI_STT__ENGINE": "slow",
        "MALGWI_ENGINE__DECODERS": "2",
        "PYTHONPATH": str(site if site.exists() else install(site)),
        **settings,
    }


@contextmanager
def engine(folder: Path, *arguments: str, **settings: str) -> Iterator[Engine]:
    """`malgwi engine` on a free port, with an engine that is as slow as it is told."""
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", ENGINE, "engine", "--port", "0", *arguments],
            env=environment(folder, settings),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert line.startswith("Listening on http://"), (folder / "log").read_text()
        running = Engine(process, line.split()[2].rstrip("."), folder / "spool")
        with running.http:
            yield running
    finally:
        process.kill()
        process.communicate()


def refused(
    folder: Path, *arguments: str, command: str = "engine", **settings: str
) -> tuple[int, str]:
    """The exit code and the sentence of a service that does not start."""
    ended = subprocess.run(
        [sys.executable, "-c", ENGINE, command, *arguments],
        env=environment(folder, settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.returncode, ended.stderr.splitlines()[-1]


until = partial(deadline.until, seconds=30.0)


def alive(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    return [each for each in processes if each.is_running() and each.status() != "zombie"]


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    return write(tmp_path / "speech.wav", tone(440.0, 2.0, 16_000), 16_000)


def slow(seconds: float) -> str:
    return json.dumps({"seconds": seconds})


def test_it_answers_where_it_says_it_listens(tmp_path: Path, speech: Path) -> None:
    with engine(tmp_path) as running:
        answer = running.transcribe(speech)

        assert answer.status_code == 200
        assert answer.json()["text"] == "hello there"
        assert running.http.get("/health").json()["status"] == "ok"
        until(lambda: not running.spooled)


@pytest.mark.slow
def test_sigterm_lets_requests_end_and_leaves_no_process(tmp_path: Path, speech: Path) -> None:
    with engine(tmp_path, MALGWI_STT__OPTIONS=slow(1.0)) as running, ThreadPoolExecutor(1) as one:
        until(running.ready)
        children = psutil.Process(running.process.pid).children(recursive=True)
        answer = one.submit(running.transcribe, speech)
        until(lambda: running.spooled)

        running.process.send_signal(signal.SIGTERM)

        assert answer.result(timeout=30).json()["text"] == "hello there"
        assert running.process.wait(timeout=30) == 0
        until(lambda: not alive(children))


@pytest.mark.slow
def test_kill_9_of_the_service_leaves_no_process_and_the_next_one_clears_its_spool(
    tmp_path: Path, speech: Path
) -> None:
    with engine(tmp_path, MALGWI_STT__OPTIONS=slow(20.0)) as running, ThreadPoolExecutor(1) as one:
        until(lambda: running.workers)
        one.submit(running.transcribe, speech)
        until(lambda: running.spooled)
        children = psutil.Process(running.process.pid).children(recursive=True)

        running.process.kill()

        until(lambda: not alive(children))
    assert running.spooled
    with engine(tmp_path) as other:
        assert not other.spooled


@pytest.mark.slow
def test_a_killed_engine_process_costs_no_request(tmp_path: Path, speech: Path) -> None:
    with engine(tmp_path, MALGWI_STT__OPTIONS=slow(0.4)) as running, ThreadPoolExecutor(6) as six:
        until(running.ready)
        answers = [six.submit(running.transcribe, speech) for _ in range(6)]
        until(lambda: running.http.get("/health/live").status_code == 200 and running.spooled)

        running.workers[0].kill()

        assert [each.result(timeout=60).status_code for each in answers] == [200] * 6
        metrics = running.http.get("/metrics").text
        assert 'malgwi_engine_restarts_total{engine="scripted",model="scripted"} 1.0' in metrics


@pytest.mark.slow
def test_an_engine_that_dies_of_everything_is_answered_503_and_ends_the_service(
    tmp_path: Path, speech: Path
) -> None:
    with engine(tmp_path, MALGWI_STT__ENGINE="mortal") as running:
        answers = [running.transcribe(speech, language="en") for _ in range(2)]

        assert [each.status_code for each in answers] == [503, 503]
        assert "Retry-After" in answers[0].headers
        assert running.process.wait(timeout=60) == 70


@pytest.mark.slow
def test_a_wedged_engine_turns_not_ready_and_is_replaced(tmp_path: Path, speech: Path) -> None:
    settings = {"MALGWI_ENGINE__CANARY": "1", "MALGWI_ENGINE__PATIENCE": "2"}
    with engine(tmp_path, **settings) as running, ThreadPoolExecutor(1) as one:
        until(running.ready)
        [worker] = running.workers
        worker.suspend()
        answer = one.submit(running.transcribe, speech)

        until(lambda: running.http.get("/health/ready").status_code == 503)

        assert answer.result(timeout=60).status_code == 200
        assert not alive([worker])
        until(running.ready)


@pytest.mark.slow
def test_a_client_that_goes_in_mid_upload_or_before_the_answer_leaves_nothing(
    tmp_path: Path, speech: Path
) -> None:
    with engine(tmp_path, MALGWI_STT__OPTIONS=slow(1.0)) as running:
        until(running.ready)
        host, port = running.url.removeprefix("http://").split(":")
        head = (
            f"POST {TRANSCRIPTIONS} HTTP/1.1\r\nHost: here\r\nContent-Length: 9000000\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
            '--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        ).encode()
        with socket.create_connection((host, int(port))) as half:
            half.sendall(head + bytes(3_000_000))
            until(lambda: running.spooled)
        until(lambda: not running.spooled)

        with pytest.raises(httpx.ReadTimeout), speech.open("rb") as sound:
            running.http.post(TRANSCRIPTIONS, files={"file": sound}, timeout=0.5)

        until(lambda: not running.spooled)
        assert running.transcribe(speech).status_code == 200


@pytest.mark.slow
def test_an_idle_model_is_unloaded_and_comes_back(tmp_path: Path, speech: Path) -> None:
    with engine(tmp_path, MALGWI_ENGINE__IDLE_UNLOAD="0.5") as running:
        assert running.transcribe(speech).status_code == 200
        until(lambda: not running.workers)

        assert running.http.get("/health").json()["engines"][0]["state"] == "unloaded"
        assert running.transcribe(speech).status_code == 200


@pytest.mark.slow
def test_an_engine_without_a_model_fits_into_any_memory(tmp_path: Path, speech: Path) -> None:
    settings = {"MALGWI_ENGINE__MEMORY": "1GiB", "MALGWI_ENGINE__PRELOAD": "[]"}
    with engine(tmp_path, **settings) as running:
        answer = running.transcribe(speech)

        assert answer.status_code == 200, answer.text


@pytest.mark.slow
def test_what_was_said_is_in_no_log(tmp_path: Path, speech: Path) -> None:
    secret = json.dumps({"text": "the password is swordfish"})
    with engine(tmp_path, MALGWI_STT__OPTIONS=secret) as running:
        assert "swordfish" in running.transcribe(speech).json()["text"]
        running.http.post(TRANSCRIPTIONS, files={"file": ("marzipan.wav", b"no sound")})
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(timeout=30)

    lines = (tmp_path / "log").read_text().splitlines()
    assert not [line for line in lines if "swordfish" in line or "marzipan" in line]
    assert [line for line in map(json.loads, lines) if line.get("status") == 200]


@pytest.mark.slow
def test_beyond_this_machine_a_key_is_needed(tmp_path: Path, speech: Path) -> None:
    code, said = refused(tmp_path, "--host", "0.0.0.0")
    assert code == 2 and "malgwi engine key" in said

    made = subprocess.run(
        [sys.executable, "-c", ENGINE, "engine", "key", "--name", "desk"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    key, line = made.splitlines()[0].split()[-1], made.splitlines()[1].split(":", 1)[1].strip()
    (tmp_path / "keys").write_text(line + "\n")
    (tmp_path / "keys").chmod(0o600)
    with engine(
        tmp_path, "--host", "0.0.0.0", MALGWI_ENGINE__KEY_FILE=str(tmp_path / "keys")
    ) as running:
        running.http.base_url = httpx.URL(running.url.replace("0.0.0.0", "127.0.0.1"))
        assert running.transcribe(speech).status_code == 401
        running.http.headers["Authorization"] = f"Bearer {key}"
        assert running.transcribe(speech).status_code == 200
        assert running.http.get("/health/live").status_code == 200


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"MALGWI_STT__ENGINE": "faster-whisper"}, "malgwi models pull whisper-base"),
        ({"MALGWI_STT__ENGINE": "telepathy"}, "No stt engine is called 'telepathy'"),
        pytest.param(
            {"MALGWI_ENGINE__WYOMING_HOST": "0.0.0.0"},
            "Wyoming has no keys",
            marks=pytest.mark.slow,
        ),
        pytest.param({"STT_ENDPOINT": "http://127.0.0.1:9"}, "127.0.0.1:9", marks=pytest.mark.slow),
        ({"STT_DEVICE": "gpu"}, "MALGWI_STT__DEVICE is 'gpu'"),
    ],
)
def test_what_cannot_work_is_refused_with_a_sentence(
    tmp_path: Path, settings: dict[str, str], sentence: str
) -> None:
    code, said = refused(tmp_path, "--port", "0", **settings)

    assert code in (1, 2)
    assert sentence in said


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, said = refused(tmp_path, "--port", str(taken.getsockname()[1]))

    assert code == 2 and "Address already in use" in said and "--port" in said


@pytest.mark.slow
@pytest.mark.parametrize("command", ["engine", "serve"])
def test_a_port_of_wyoming_that_is_taken_is_said(tmp_path: Path, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, sentence = refused(
            tmp_path, "--port", "0", command=command, MALGWI_ENGINE__WYOMING_PORT=port
        )

    assert code == 2
    assert f"port {port}" in sentence


@pytest.mark.slow
@pytest.mark.model
def test_a_gpu_that_is_asked_for_and_not_there_is_refused_with_the_diagnosis(
    tmp_path: Path, models: Path
) -> None:
    if Path("/dev/nvidia0").exists():
        pytest.skip("There is a GPU.")
    settings = {"MALGWI_STT__ENGINE": "faster-whisper", "MALGWI_MODELS": str(models)}

    code, said = refused(tmp_path, "--port", "0", STT_DEVICE="cuda", **settings)

    assert code == 2
    assert "STT_DEVICE is cuda, and no GPU can be used" in said


@pytest.mark.slow
@pytest.mark.model
def test_whisper_hears_the_sample_and_says_what_it_runs_on(
    tmp_path: Path, models: Path, sample: Path
) -> None:
    settings = {
        "MALGWI_STT__ENGINE": "faster-whisper",
        "MALGWI_VAD__ENGINE": "silero",
        "MALGWI_MODELS": str(models),
    }
    with engine(tmp_path, **settings) as running:
        answer: dict[str, Any] = running.transcribe(sample, response_format="verbose_json").json()

        assert "it was the best of times" in answer["text"].lower()
        assert [each["label"] for each in answer["x_malgwi"]["channels"]] == [
            "ch01", "ch02", "ch03", "ch04",
        ]  # fmt: skip
        assert answer["x_malgwi"]["device"] == "cpu"
        assert answer["x_malgwi"]["fallback_reason"] is None
        assert running.ready()
