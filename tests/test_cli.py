"""The command: what it writes, and for everything that cannot be done, one sentence."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from audio.soundfiles import tone, tones, wav_bytes, write, write_silent_film
from click.testing import CliRunner, Result
from ordinary_user import as_an_ordinary_user
from plugged_in import install

from malgwi.cli import main
from malgwi.config import setting_names

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A machine without models, where the scripted engine is set up; we stand in this folder."""
    for name in setting_names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MALGWI_MODELS", "models")
    monkeypatch.setenv("MALGWI_STT__ENGINE", "scripted")
    monkeypatch.setenv("MALGWI_VAD__ENGINE", "energy")
    monkeypatch.chdir(tmp_path)
    write(Path("radio.wav"), tones(2, seconds=2.0))
    write(Path("phone.wav"), tone(440.0, 3.0))
    yield tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def transcribe(*arguments: str) -> Result:
    return run("transcribe", *arguments, "--out", "out")


def refusal(result: Result) -> str:
    """The sentence with which it was refused; nothing may have been written."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert line.startswith("malgwi: ")
    assert line.endswith((".", "?")) or "Run: malgwi " in line
    assert not Path("out").exists()
    return line


def written(name: str = "radio") -> dict:  # type: ignore[type-arg]
    document: dict = json.loads(Path("out", f"{name}.json").read_text())  # type: ignore[type-arg]
    return document


def names(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def codes(name: str) -> list[str]:
    return [notice["code"] for notice in written(name)["notices"]]


def test_a_recording_becomes_three_files_and_a_timeline() -> None:
    result = transcribe("radio.wav", "--labels", "tower, ground", "--language", "KO")

    assert result.exit_code == 0, result.output
    assert names("out") == ["radio.json", "radio.srt", "radio.txt"]
    assert "hello there" in result.stdout and "ground" in result.stdout
    assert result.stdout.splitlines()[-3:] == ["out/radio.json", "out/radio.srt", "out/radio.txt"]
    channels = written()["channels"]
    assert [(each["label"], each["language"]) for each in channels] == [
        ("tower", "ko"),
        ("ground", "ko"),
    ]


def test_one_file_a_channel_with_offsets_is_one_recording() -> None:
    result = transcribe(
        "radio.wav", "phone.wav", "--offset", "phone.wav=4.5", "--language", "en,auto,ko"
    )

    assert result.exit_code == 0, result.output
    document = written()
    starts = {each["channel"]: each["start"] for each in document["utterances"]}
    assert document["duration"] == 7.5
    assert starts == {0: 0.0, 1: 0.0, 2: pytest.approx(4.4, abs=0.05)}
    assert [each["language_source"] for each in document["channels"]] == [
        "given",
        "detected",
        "given",
    ]


def test_nothing_is_written_unless_it_is_asked_for(machine: Path) -> None:
    result = run("transcribe", "radio.wav")

    assert result.exit_code == 0
    assert "hello there" in result.stdout
    assert sorted(each.name for each in machine.iterdir()) == ["phone.wav", "radio.wav"]


def test_formats_names_and_channels_are_chosen() -> None:
    result = transcribe("radio.wav", "--format", "CSV,rttm", "--name", "log", "--per-channel", "-q")

    assert result.exit_code == 0, result.output
    assert sorted(Path(line).name for line in result.stdout.splitlines()) == names("out")
    assert names("out") == [
        f"log{part}.{ending}" for part in (".ch01", ".ch02", "") for ending in ("csv", "rttm")
    ]


def test_a_glossary_writes_names_as_they_are_written() -> None:
    Path("terms.csv").write_text("written,spoken\nHalla,hello\n")

    assert transcribe("radio.wav", "--glossary", "terms.csv").exit_code == 0

    assert [each["text"] for each in written()["utterances"]] == ["Halla there"] * 2
    assert [each["raw_text"] for each in written()["utterances"]] == ["hello there"] * 2


def test_progress_is_lines_of_json_where_that_is_wanted() -> None:
    result = run("transcribe", "radio.wav", "--json-progress")

    assert result.exit_code == 0
    events = [json.loads(line) for line in result.stderr.splitlines()]
    assert {each["event"] for each in events} == {"progress"}
    assert events[-1]["stage"] == "writing"
    assert events[-1]["audio_done"] == events[-1]["audio_total"] == 2.0
    assert not [
        line for line in result.stderr.splitlines() if line[0] != "{" and "out/" not in line
    ]


def test_quiet_says_nothing_but_where_the_files_are() -> None:
    result = transcribe("radio.wav", "--quiet", "--format", "json")

    assert (result.stdout, result.stderr) == ("out/radio.json\n", "")


# What cannot be used at all


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("gone.wav", None, "does not exist"),
        ("empty.wav", b"", "is empty"),
        ("notes.wav", b"The quick brown fox.\n" * 99, "not"),
        ("noise.mp3", np.random.default_rng(1).bytes(9_999), "noise.mp3"),
        ("header.wav", wav_bytes(np.zeros((2, 0), np.float32)), "holds no sound"),
        ("many.wav", wav_bytes(np.zeros((65, 160), np.float32)), "65 channels"),
    ],
    ids=["missing", "empty", "text", "noise", "no-samples", "65-channels"],
)
def test_a_file_that_is_no_recording(name: str, content: bytes | None, sentence: str) -> None:
    if content is not None:
        Path(name).write_bytes(content)

    line = refusal(transcribe("radio.wav", name))

    assert name in line and sentence in line


def test_a_folder() -> None:
    Path("recordings").mkdir()

    assert "recordings is a folder" in refusal(transcribe("recordings"))


def test_a_film_without_sound() -> None:
    write_silent_film(Path("film.mp4"))

    assert "film.mp4 has no sound track" in refusal(transcribe("film.mp4"))


def test_a_file_that_may_not_be_read() -> None:
    assert run("transcribe", "radio.wav").exit_code == 0  # everything is imported now
    Path("phone.wav").chmod(0)

    with as_an_ordinary_user():
        result = transcribe("phone.wav")

    assert "phone.wav may not be read" in refusal(result)


def test_too_many_channels_in_several_files() -> None:
    for name in ("a.wav", "b.wav"):
        Path(name).write_bytes(wav_bytes(np.zeros((33, 160), np.float32)))

    assert "66 channels together" in refusal(transcribe("a.wav", "b.wav"))


# What can be used, with a notice


def test_a_file_that_breaks_off_is_used_up_to_there() -> None:
    whole = Path("phone.wav").read_bytes()
    Path("phone.wav").write_bytes(whole[: len(whole) // 2])

    assert transcribe("phone.wav").exit_code == 0

    assert codes("phone") == ["audio-truncated"]
    assert written("phone")["duration"] == pytest.approx(1.5, abs=0.1)
    assert written("phone")["complete"]
    assert written("phone")["utterances"]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_silent(value: float) -> None:
    sound = tone(440.0, 2.0)
    sound[0, 100:200] = value
    Path("odd.wav").write_bytes(wav_bytes(sound))

    assert transcribe("odd.wav").exit_code == 0

    assert codes("odd") == ["samples-not-finite"]
    assert written("odd")["utterances"]


def test_a_line_that_stands_at_full_scale_is_said_to_be_dead() -> None:
    Path("dead.wav").write_bytes(wav_bytes(np.ones((1, 32_000), np.float32)))

    assert transcribe("dead.wav").exit_code == 0

    assert codes("dead") == ["channel-constant"]


def test_files_of_unequal_length_are_one_recording() -> None:
    assert transcribe("radio.wav", "phone.wav").exit_code == 0

    assert codes("radio") == ["channels-unequal"]
    assert written()["duration"] == 3.0


# Options that make no sense


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--offset radio.wav=-1", "The offset of radio.wav is -1"),
        ("--offset radio.wav=nan", "The offset of radio.wav is nan"),
        ("--offset radio.wav", "--offset radio.wav is not FILE=SECONDS"),
        ("--offset other.wav=1", "other.wav, which is not one of the files"),
        ("--language kor", "Did you mean ko?"),
        ("--language korean", "Did you mean ko?"),
        ("--language xx", "It knows en, ko."),
        ("--language ko,en,ko", "3 languages were given for 2 channels"),
        ("--labels tower", "2 channels and 1 labels"),
        ("--labels tower,tower", "the same label"),
        ("--engine whisperer", "No stt engine is called 'whisperer'"),
        ("--format srt,doc", "no format 'doc'. Did you mean docx?"),
        ("--glossary gone.csv", "gone.csv cannot be read"),
        ("--glossary radio.wav", "radio.wav is no glossary by its name"),
        ("--engine faster-whisper", "malgwi models pull whisper-base"),
        ("--engine faster-whisper --model whisper-bas", "whisper-bas"),
        ("--engine faster-whisper --model ../../etc", "../../etc"),
        ("radio.wav", "named twice"),
    ],
)
def test_an_option_that_makes_no_sense(options: str, sentence: str) -> None:
    assert sentence in refusal(transcribe("radio.wav", *options.split()))


def test_a_malformed_glossary_is_refused_by_file_line_and_entry() -> None:
    Path("terms.yaml").write_text("- written: Malgwi\n  spoken: [mal guy]\n- written: Seoul\n")

    line = refusal(transcribe("radio.wav", "--glossary", "terms.yaml"))

    assert "terms.yaml" in line and "3" in line and "'spoken' is missing" in line


@pytest.mark.parametrize(("variable", "value"), [("OFFLINE", "perhaps"), ("STT__OPTIONS", "cuda")])
def test_a_setting_that_makes_no_sense(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(f"MALGWI_{variable}", value)

    assert "MALGWI_" in refusal(transcribe("radio.wav"))


def test_a_misspelt_setting_is_refused_with_the_one_that_was_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MALGWI_OFLINE", "1")

    assert refusal(transcribe("radio.wav")).endswith("Is MALGWI_OFFLINE meant?")


def test_a_database_is_migrated_before_anything_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALGWI_STORE__DATA", "data")

    first, second = run("migrate"), run("migrate")

    assert (first.exit_code, second.exit_code) == (0, 0), first.stderr
    with closing(sqlite3.connect("data/malgwi.db")) as database:
        assert database.execute("select count(*) from recording").fetchone() == (0,)


# Models that are not what they should be


@pytest.mark.parametrize("content", [b"", b"too short", b"x" * 3_000])
def test_a_model_that_was_truncated_or_is_another(content: bytes) -> None:
    folder = Path("models", "whisper-base")
    folder.mkdir(parents=True)
    for name in ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt"):
        (folder / name).write_bytes(content)

    line = refusal(transcribe("radio.wav", "--engine", "faster-whisper"))

    assert "whisper-base" in line and "broken" in line and "malgwi models pull" in line


def test_offline_a_model_that_is_missing_is_not_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALGWI_OFFLINE", "1")

    pulled = run("models", "pull", "whisper-tiny")

    assert "MALGWI_OFFLINE is set" in refusal(pulled)
    assert "whisper-base is not in models" in refusal(
        transcribe("radio.wav", "--engine", "faster-whisper")
    )
    assert not Path("models").exists() or not names("models")


# Files that are there


def test_a_file_that_is_there_is_kept_unless_it_may_be_replaced() -> None:
    Path("out").mkdir()
    Path("out", "radio.srt").write_text("mine")

    result = transcribe("radio.wav")

    assert result.exit_code == 2
    assert "out/radio.srt exists already" in result.stderr and "--overwrite" in result.stderr
    assert names("out") == ["radio.srt"]
    assert Path("out", "radio.srt").read_text() == "mine"

    assert transcribe("radio.wav", "--overwrite").exit_code == 0
    assert "hello there" in Path("out", "radio.srt").read_text()


def test_a_folder_that_is_a_file_is_refused_before_the_work() -> None:
    Path("out").write_text("mine")

    result = transcribe("radio.wav")

    assert result.exit_code == 2
    assert "hello there" not in result.stdout
    assert "out is a file" in result.stderr.splitlines()[-1]
    assert Path("out").read_text() == "mine"


# Engines that break


def test_an_engine_that_breaks_is_a_failure_of_another_kind(
    monkeypatch: pytest.MonkeyPatch, machine: Path
) -> None:
    monkeypatch.syspath_prepend(install(machine / "site"))

    result = transcribe("radio.wav", "--engine", "broken", "--quiet")

    assert result.exit_code == 1
    assert result.stderr == "malgwi: broken ran out of memory. Use a smaller model.\n"
    assert not Path("out").exists()


def test_the_engines_are_listed_with_what_they_lack() -> None:
    result = run("engines")

    assert result.exit_code == 0
    lines = {line.split()[1]: line for line in result.stdout.splitlines()}
    assert "ready" in lines["scripted"] and "ready" in lines["energy"]
    assert "missing" in lines["faster-whisper"]


def test_the_models_are_listed_with_size_and_licence() -> None:
    result = run("models", "list")

    assert result.exit_code == 0
    [base] = [line for line in result.stdout.splitlines() if line.startswith("whisper-base ")]
    assert "MB" in base and "MIT" in base


def test_what_is_not_there_cannot_be_verified_or_taken_in() -> None:
    assert run("models", "verify", "whisper-base").exit_code == 1
    assert "not a folder" in refusal(run("models", "add", "nowhere"))


def manifest(*items: dict[str, object]) -> str:
    Path("manifest.json").write_text(json.dumps({"version": 1, "items": items}), "utf-8")
    return "manifest.json"


def test_an_evaluation_prints_the_error_rates() -> None:
    item = {"id": "phone", "kind": "call", "file": "phone.wav", "language": "en"}
    known = {**item, "text": "hello there", "reference_quality": "exact", "duration_s": 3.0}

    result = run("evaluate", manifest(known), "--format", "json")

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["complete"] is True
    assert "1 of 1: phone" in result.stderr
    assert "hello" not in result.output  # what was said is there when it is asked for


def test_a_manifest_that_is_not_there_is_refused_before_a_model_is_looked_for() -> None:
    assert "none.json" in refusal(run("evaluate", "none.json", "--engine", "faster-whisper"))
