"""From a manifest to a report, with an engine that hears what it is told."""

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest
from apps.evaluation.listener import ENGINE, Listener, said, transcript, utterance, write_manifest

from malgwi.apps.evaluation import (
    Errors,
    Group,
    Rate,
    Report,
    Result,
    Selection,
    Unmeasured,
    as_json,
    as_markdown,
    evaluate,
    groups,
)
from malgwi.apps.evaluation.reference import Segment, read_stm
from malgwi.errors import BadManifest, EngineFailed
from malgwi.types import Transcript

needs_meeteval = pytest.mark.skipif(
    find_spec("meeteval") is None, reason="meeteval is not installed: it needs a C++ compiler"
)
STM = """\
;; two people, a channel each
call 1 anna 0.0 1.0 <o,f0> good morning
call 2 bert 1.0 2.0 good morning anna
call 1 anna 2.0 3.0 how are you
"""
CALL = {
    "id": "call", "kind": "call", "file": "call.flac", "language": "en", "channels": 2,
    "reference": {"stm": "call.stm"}, "reference_quality": "exact",
}  # fmt: skip
MUSIC = {"id": "m", "kind": "music", "file": "m.flac", "language": "zxx", "text": ""}


def only(report: Report) -> Result:
    (result,) = report.results
    return result


def group_of(report: Report, language: str | None, kind: str | None) -> Group:
    (found,) = (
        each for each in groups(report.results) if (each.language, each.kind) == (language, kind)
    )
    return found


def test_words_and_characters_are_compared_after_normalising(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, utterance("a", "MISTER SMITH PAID TWENTY TWO"))

    result = only(evaluate(path, Listener({"a.flac": "Mr. Smyth paid 22."})))

    assert result.wer == Errors(1, 0, 0, 4)
    assert result.cer == Errors(1, 0, 0, 17)


def test_korean_spacing_is_an_error_of_words_only(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, utterance("a", "이륙을 허가합니다.", "ko"))

    result = only(evaluate(path, Listener({"a.flac": "이륙을허가 합니다"})))

    assert result.wer == Errors(2, 0, 0, 2)
    assert result.cer == Errors(0, 0, 0, 8)


def test_japanese_has_no_word_errors_but_a_reason(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, utterance("a", "こんにちは。", "ja"))

    result = only(evaluate(path, Listener({"a.flac": "こんばんは"})))

    assert result.wer == Unmeasured("the language writes no spaces between words")
    assert result.cer == Errors(2, 0, 0, 5)


def test_only_what_is_shown_counts_as_heard(tmp_path: Path) -> None:
    heard = transcript(
        said("hello", start=0),
        said("thanks for watching", start=1, suppressed="stock:thanks"),
        said("hello", start=2, duplicate_of="00-0", attempts=2),
    )

    result = only(evaluate(write_manifest(tmp_path, utterance("a", "hello")),
                           Listener({"a.flac": heard})))  # fmt: skip

    assert result.wer == Errors(0, 0, 0, 1)
    assert (result.utterances, result.suppressed, result.duplicates, result.retried) == (3, 1, 1, 1)


@needs_meeteval
def test_each_channel_is_held_to_what_was_said_on_it(tmp_path: Path) -> None:
    heard = transcript(
        said("good morning", 1, 0.0), said("good morning anna", 1, 1.0),
        said("how are you", 0, 2.0), channels=2,
    )  # fmt: skip

    result = only(evaluate(write_manifest(tmp_path, CALL, call_stm=STM),
                           Listener({"call.flac": heard})))  # fmt: skip

    assert result.wer == Errors(0, 2, 2, 8)
    assert result.cpwer == Errors(0, 2, 2, 8)


@needs_meeteval
def test_swapped_channels_are_word_errors_and_no_errors_of_who_spoke(tmp_path: Path) -> None:
    heard = transcript(
        said("good morning", 1, 0.0), said("good morning anna", 0, 1.0),
        said("how are you", 1, 2.0), said("thanks", 1, 3.0, suppressed="stock"), channels=2,
    )  # fmt: skip

    result = only(evaluate(write_manifest(tmp_path, CALL, call_stm=STM),
                           Listener({"call.flac": heard})))  # fmt: skip

    assert isinstance(result.wer, Errors)
    assert result.wer.total > 0
    assert result.cpwer == Errors(0, 0, 0, 8)


def test_a_reference_is_read_in_the_order_of_time_and_without_labels(tmp_path: Path) -> None:
    path = tmp_path / "a.stm"
    path.write_text("a 2 bert 4.5 6 <o,f0> again\n;; note\n\na 1 anna 0.5 2 well said\n")

    segments = read_stm(path)

    assert segments == (Segment(0, "anna", 0.5, "well said"), Segment(1, "bert", 4.5, "again"))


@needs_meeteval
def test_speakers_are_the_streams_where_the_engine_tells_them_apart(tmp_path: Path) -> None:
    mono = {**CALL, "channels": 1}
    stm = STM.replace(" 2 bert", " 1 bert")
    heard = transcript(
        said("good morning", 0, 0.0, speaker="S1"), said("good morning anna", 0, 1.0, speaker="S2"),
        said("how are you", 0, 2.0, speaker="S1"),
    )  # fmt: skip
    apart = Listener({"call.flac": heard})
    together = Listener({"call.flac": "good morning good morning anna how are you"})

    path = write_manifest(tmp_path, mono, call_stm=stm)

    assert only(evaluate(path, apart)).cpwer == Errors(0, 0, 0, 8)
    assert only(evaluate(path, together)).wer == Errors(0, 0, 0, 8)
    assert only(evaluate(path, together)).cpwer == Unmeasured(
        "several people share the channel and the engine does not tell them apart"
    )


@needs_meeteval
def test_hearing_nothing_in_a_call_is_all_deletions(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, CALL, call_stm=STM)

    result = only(evaluate(path, Listener({"call.flac": transcript(channels=2)})))

    assert result.wer == result.cpwer == Errors(0, 8, 0, 8)


def test_words_heard_in_music_are_false_alarms(tmp_path: Path) -> None:
    heard = transcript(
        said("thank you all"), said("subscribe", start=1, suppressed="stock"), audio=60.0
    )
    listener = Listener({"m.flac": heard})

    report = evaluate(write_manifest(tmp_path, MUSIC), listener)

    alarms = only(report).false_alarms
    assert not isinstance(alarms, Unmeasured)
    assert (alarms.audio, alarms.words, alarms.characters, alarms.suppressed) == (60.0, 3, 11, 1)
    assert only(report).wer == Unmeasured("nobody speaks in it")
    assert listener.asked == [(("m.flac",), None)]


def test_the_engine_is_told_the_language_or_held_to_it(tmp_path: Path) -> None:
    heard = transcript(channels=3, languages=["ko", "ja", None])
    item = utterance("a", "안녕", "ko")
    path = write_manifest(tmp_path, item)
    told, asked = Listener({"a.flac": heard}), Listener({"a.flac": heard})

    first = only(evaluate(path, told))
    second = only(evaluate(path, asked, detect_language=True))

    assert (told.asked[0][1], asked.asked[0][1]) == ("ko", None)
    assert first.detection == Unmeasured("the engine was told the language")
    assert not isinstance(second.detection, Unmeasured)
    assert (second.detection.channels, second.detection.right) == (2, 1)


def test_a_recording_without_words_to_compare_still_tells_the_speed(tmp_path: Path) -> None:
    item = utterance("a", None, reference=None, reference_quality="none")

    result = only(evaluate(write_manifest(tmp_path, item), Listener({"a.flac": "hello"})))

    assert result.wer == result.cer == Unmeasured("no reference says what was said")
    assert not isinstance(result.cost, Unmeasured)
    assert result.cost.real_time_factor == 0.1


def test_a_recording_that_is_no_audio_is_reported_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, utterance("a", "x"), utterance("b", "hello"))

    report = evaluate(path, Listener({"b.flac": "hello"}))

    assert report.results[0].cost == report.results[0].wer == Unmeasured("a.flac is not audio.")
    assert report.results[1].wer == Errors(0, 0, 0, 1)
    assert "a could not be transcribed: a.flac is not audio." in as_markdown(report)


def test_a_broken_engine_ends_it(tmp_path: Path) -> None:
    def broken(files: Sequence[Path], language: str | None) -> Transcript:
        raise EngineFailed("The engine broke.")

    with pytest.raises(EngineFailed):
        evaluate(write_manifest(tmp_path, utterance("a", "x")), broken)


def test_what_was_broken_off_is_left_out_and_said(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, utterance("a", "hello"), utterance("b", "hello"))
    heard = transcript(said("hel"), complete=False)

    report = evaluate(path, Listener({"a.flac": "hello", "b.flac": heard}))

    assert not report.complete
    assert [each.id for each in report.results] == ["a"]
    assert "broken off" in as_markdown(report)


def test_rates_of_a_group_are_of_all_words_and_of_exact_references_only(tmp_path: Path) -> None:
    path = write_manifest(
        tmp_path,
        utterance("a", "one"),
        utterance("b", "two three four five six seven eight nine ten"),
        utterance("c", "never said", reference_quality="approximate"),
        {**utterance("d", "hello"), "kind": "call"},
        utterance("e", "안녕하세요", "ko"),
    )
    heard = {"a.flac": "won", "b.flac": "two three four five six seven eight nine ten"}
    heard |= {"c.flac": "x y", "d.flac": "hello", "e.flac": "안녕하세요"}

    report = evaluate(path, Listener(heard))

    utterances = group_of(report, "en", "utterance")
    assert isinstance(utterances.wer, Rate)
    assert (utterances.recordings, utterances.wer.recordings) == (3, 2)
    everything = group_of(report, "en", None)
    assert isinstance(everything.wer, Rate)
    assert everything.wer.errors.total == 1
    assert everything.wer.errors.length == utterances.wer.errors.length + 1
    assert [(each.language, each.kind) for each in groups(report.results)] == [
        ("en", "call"), ("en", "utterance"), ("en", None), ("ko", "utterance"),
    ]  # fmt: skip


def test_progress_is_told_after_each_recording(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, utterance("a", "hello"), utterance("b", "hello"))
    told: list[tuple[int, int, str]] = []

    evaluate(
        path,
        Listener({"a.flac": "hello", "b.flac": "hello"}),
        Selection(language="en"),
        on_item=lambda done, of, result: told.append((done, of, result.id)),
    )

    assert told == [(1, 2, "a"), (2, 2, "b")]


@pytest.mark.parametrize("line", ["call one anna 0 1 hi", "call 1 anna", "call 0 anna 0 1 hi"])
def test_a_malformed_reference_is_told_with_its_line_and_not_its_words(
    line: str, tmp_path: Path
) -> None:
    path = write_manifest(tmp_path, CALL, call_stm=f"call 1 anna 0 1 hi\n{line}\n")

    with pytest.raises(BadManifest, match=r"call\.stm, line 2: .* are expected") as caught:
        evaluate(path, Listener({}))

    assert "hi" not in str(caught.value).split()


def test_the_json_has_words_only_if_they_are_asked_for(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, utterance("a", "top secret"))
    report = evaluate(path, Listener({"a.flac": "top secrets"}))

    without, with_text = as_json(report), as_json(report, with_text=True)

    assert "secret" not in without + repr(report) + as_markdown(report)
    assert json.loads(with_text)["items"][0]["texts"] == [
        {"channel": None, "said": "top secret", "heard": "top secrets"}
    ]


def test_the_json_tells_what_was_not_measured_and_why(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, utterance("a", "hello"), MUSIC)

    document = json.loads(as_json(evaluate(path, Listener({"a.flac": "hello", "m.flac": "yeah"}))))

    assert document["schema"] == "malgwi.evaluation/1"
    assert document["engine"]["name"] == ENGINE.name
    assert document["peak_memory_bytes"] > 2**20
    assert document["machine"]["packages"]["jiwer"]
    english, music = document["groups"]
    assert english["wer"]["rate"] == 0.0
    assert english["cpwer"] == {
        "rate": None, "length": None, "substitutions": None, "deletions": None,
        "insertions": None, "reason": "no reference says who spoke", "recordings": None,
        "interval_95": None,
    }  # fmt: skip
    assert music["false_alarms"]["words"] == 1
    assert music["wer"]["reason"] == "nobody speaks in it"


def test_the_markdown_has_a_row_a_group_and_dashes_where_nothing_was_measured(
    tmp_path: Path,
) -> None:
    path = write_manifest(tmp_path, utterance("a", "over the old bridge"), MUSIC)

    page = as_markdown(
        evaluate(path, Listener({"a.flac": "over the cold bridge", "m.flac": "yeah"}))
    )

    assert page.startswith("## scripted, by-hand, cpu\n")
    assert "| en | utterance | 1 | 0.2 min | 25.0 % (1) |" in page
    assert "| – | 10.0 |" in page
    assert "False alarms in 0.2 min without speech (music): words 1, characters 4;" in page
    assert "zxx" not in page


WITHOUT = """
import sys
sys.modules[sys.argv[1]] = None
from pathlib import Path
from malgwi.apps.evaluation import as_json, evaluate
from malgwi.errors import MalgwiError
from apps.evaluation.listener import Listener, transcript, said
listener = Listener({"call.flac": transcript(said("good morning", 0), channels=2)})
try:
    print(as_json(evaluate(Path(sys.argv[2]), listener)))
except MalgwiError as error:
    print(f"{type(error).__name__}: {error} {len(listener.asked)} transcribed.")
"""


def evaluated_without(module: str, manifest: Path) -> str:
    command = [sys.executable, "-c", WITHOUT, module, str(manifest)]
    tests = str(Path(__file__).parents[2])
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"PYTHONPATH": tests}
    )
    return done.stdout


@pytest.mark.parametrize("module", ["jiwer", "whisper_normalizer.english"])
def test_a_missing_extra_is_named_before_any_work(module: str, tmp_path: Path) -> None:
    told = evaluated_without(module, write_manifest(tmp_path, CALL, call_stm=STM))

    assert told.startswith(f"EngineMissing: evaluate is not installed (no module {module}).")
    assert told.endswith("Run: pip install 'malgwi[evaluate]' 0 transcribed.\n")


def test_without_meeteval_there_is_no_cpwer_but_a_reason(tmp_path: Path) -> None:
    told = evaluated_without("meeteval", write_manifest(tmp_path, CALL, call_stm=STM))

    (item,) = json.loads(told)["items"]
    assert item["cpwer"]["rate"] is None
    assert item["cpwer"]["reason"] == "meeteval is not installed: pip install 'malgwi[cpwer]'"
    assert item["wer"]["deletions"] == 6
