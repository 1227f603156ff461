"""The command as a process of its own: signals, a full disk, and what it loads."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from audio.soundfiles import tone, write
from plugged_in import install

from malgwi.apps.transcription import read_json
from malgwi.config import setting_names

HEAVY = ("numpy", "av", "ctranslate2", "onnxruntime", "faster_whisper", "pydantic", "rich", "docx")
TURNS, PERIOD = 150, 4.0  # somebody speaks for a second and a half every four


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten minutes of a radio channel, at a telephone's rate."""
    rate = 8_000
    turn = np.pad(tone(440.0, 1.5, rate), ((0, 0), (0, round((PERIOD - 1.5) * rate))))
    return write(tmp_path_factory.mktemp("radio") / "watch.wav", np.tile(turn, TURNS), rate)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name not in setting_names()}
    return own | {
        "MALGWI_VAD__ENGINE": "energy",
        "MALGWI_STT__ENGINE": "slow",
        "MALGWI_MODELS": str(tmp_path / "models"),
        "PYTHONPATH": str(install(tmp_path / "site")),
    }


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from malgwi.cli import main; main()", *arguments]


def started(
    watch: Path, out: Path, environment: dict[str, str], seconds: float
) -> subprocess.Popen[str]:
    """A transcription that takes a good while: so many seconds a batch, of which it has 19."""
    return subprocess.Popen(
        command("transcribe", str(watch), "--out", str(out), "--json-progress", "--language", "en"),
        env=environment | {"MALGWI_STT__OPTIONS": json.dumps({"seconds": seconds})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def until(lines: IO[str] | None, what: str) -> str:
    """Read up to the line with `what`."""
    assert lines
    return next(line for line in lines if what in line)


@pytest.mark.slow
def test_ctrl_c_leaves_whole_files_of_what_is_done(
    watch: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    out = tmp_path / "out"
    with started(watch, out, environment, seconds=0.2) as process:
        until(process.stderr, '"stage": "recognising"')

        process.send_signal(signal.SIGINT)
        shown, said = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Stopping" in said
    assert names(out) == ["watch.json", "watch.srt", "watch.txt"]
    transcript = read_json(out / "watch.json")
    assert not transcript.complete
    assert [notice.code for notice in transcript.notices] == ["interrupted"]
    assert 0 < len(transcript.utterances) < TURNS
    assert (out / "watch.srt").read_text().count("-->") == len(transcript.utterances)
    assert "watch.json" in shown


@pytest.mark.slow
def test_a_second_ctrl_c_ends_it_and_leaves_nothing(
    watch: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    out = tmp_path / "out"
    with started(watch, out, environment, seconds=1.0) as process:
        until(process.stderr, '"stage": "recognising"')

        process.send_signal(signal.SIGINT)
        until(process.stderr, "Stopping")
        process.send_signal(signal.SIGINT)
        shown, said = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Traceback" not in said
    assert shown == ""
    assert not out.exists()


@pytest.mark.slow
def test_a_full_disk_costs_no_transcript_and_leaves_no_half_file(
    watch: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    out = tmp_path / "out"
    arguments = command("transcribe", str(watch), "--language", "en", "--out", str(out))

    ended = subprocess.run(
        ["sh", "-c", 'ulimit -f 8; exec "$@"', "sh", *arguments],  # 8 blocks of 512 or 1024 bytes
        env=environment | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 2
    assert "cannot be written: File too large" in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
    assert names(out) == []
    assert "hello there" in ended.stdout
    assert str(out / "watch") not in ended.stdout


def test_help_waits_for_no_library() -> None:
    probe = (
        "import json, sys; from malgwi.cli import main; main(['--help'], standalone_mode=False); "
        "print(json.dumps(list(sys.modules)))"
    )

    ended = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )

    *usage, modules = ended.stdout.splitlines()
    assert "Usage" in usage[0]
    assert not set(HEAVY) & set(json.loads(modules))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--version"], 0),
        (["transcribe", "gone.wav"], 2),
        (["transcribe"], 2),
        (["transcribe", "--no-such-option"], 2),
        (["no-such-command"], 2),
    ],
)
def test_exit_codes(arguments: list[str], code: int, environment: dict[str, str]) -> None:
    ended = subprocess.run(
        command(*arguments), env=environment, capture_output=True, text=True, check=False
    )

    assert ended.returncode == code
    assert "Traceback" not in ended.stderr
