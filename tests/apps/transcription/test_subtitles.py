"""SRT and WebVTT, parsed back by a reader of our own."""

import html
import io
import re
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from malgwi.apps.transcription import FORMATS
from malgwi.types import Channel, Engine, Span, Timings, Transcript, Utterance, Word

STAMP = re.compile(r"(\d\d+):(\d\d):(\d\d)[,.](\d{3}) --> (\d\d+):(\d\d):(\d\d)[,.](\d{3})")


class Seen(NamedTuple):
    start: float
    end: float
    lines: list[str]

    @property
    def text(self) -> str:
        return " ".join(self.lines)


def written(name: str, transcript: Transcript) -> str:
    file = io.StringIO()
    FORMATS[name].write(transcript, file)
    return file.getvalue()


def parsed(subtitles: str) -> list[Seen]:
    """The cues of a file; each begins at a line of times and ends at an empty line."""
    found = []
    for block in subtitles.split("\n\n"):
        lines = block.strip("\n").split("\n")
        for at, line in enumerate(lines):
            if match := STAMP.fullmatch(line):
                h, m, s, ms, h2, m2, s2, ms2 = map(int, match.groups())
                start, end = (
                    h * 3600 + m * 60 + s + ms / 1000,
                    h2 * 3600 + m2 * 60 + s2 + ms2 / 1000,
                )
                found.append(Seen(start, end, lines[at + 1 :]))
    return found


def alone(radio: Transcript, utterance: Utterance) -> Transcript:
    return replace(radio, channels=(Channel(utterance.channel, "a"),), utterances=(utterance,))


def utterance(words: list[tuple[str, float, float]], text: str | None = None) -> Utterance:
    timed = tuple(Word(word, Span(start, end)) for word, start, end in words)
    whole = text if text is not None else "".join(word for word, _, _ in words).strip()
    return Utterance("0", 0, Span(words[0][1], words[-1][2]), whole, whole, timed, "ko")


def test_every_cue_has_its_number_its_times_and_its_voice(radio: Transcript) -> None:
    srt = written("srt", radio)

    assert srt.startswith(
        "1\n00:00:01,200 --> 00:00:04,500\ntower: 대한항공 공이칠 이륙을 허가합니다.\n\n"
    )
    numbers = [int(block.split("\n")[0]) for block in srt.strip().split("\n\n")]
    assert numbers == list(range(1, len(numbers) + 1))
    assert "\n01:01:01,000 --> 01:01:02,500\ntower: 관제 종료\n" in srt


def test_cues_are_sorted_and_people_who_talk_at_once_overlap(radio: Transcript) -> None:
    cues = parsed(written("srt", radio))

    starts = [cue.start for cue in cues]
    assert starts == sorted(starts)
    assert any(after.start < before.end for before, after in pairwise(cues))


def test_what_is_suppressed_or_a_duplicate_is_not_shown(radio: Transcript) -> None:
    for name in ("srt", "vtt"):
        everything = written(name, radio)
        assert "시청해" not in everything
        assert "take off" not in everything


def test_one_voice_alone_needs_no_name_in_srt(radio: Transcript) -> None:
    [cue] = parsed(written("srt", alone(radio, radio.utterances[0])))

    assert cue.lines == ["대한항공 공이칠 이륙을 허가합니다."]


def test_a_known_speaker_stands_in_for_the_label_of_the_channel(radio: Transcript) -> None:
    assert "<v 김 기장>" in written("vtt", radio)


def test_markup_and_arrows_in_the_text_stay_text(radio: Transcript) -> None:
    vtt, srt = written("vtt", radio), written("srt", radio)

    [line] = [line for line in vtt.splitlines() if "김 기장" in line]
    assert line == "<v 김 기장>음 &lt;잡음&gt; R&amp;D --&gt; 확인</v>"
    assert html.unescape(line.removeprefix("<v 김 기장>")) == "음 <잡음> R&D --> 확인</v>"
    assert all(STAMP.fullmatch(line) for line in (vtt + srt).splitlines() if "-->" in line)


def test_a_line_break_in_the_text_ends_no_cue(radio: Transcript) -> None:
    broken = utterance([(" one\n\n2", 0, 1), (" 00:00:00,000", 1, 2)])

    [cue] = parsed(written("srt", alone(radio, broken)))

    assert cue.text == "one 2 00:00:00,000"


def test_a_line_holds_42_columns_which_is_21_syllables(radio: Transcript) -> None:
    full = utterance([(" " + "가" * 10, 0, 1), (" " + "나" * 10, 1, 2)])
    more = utterance([(" " + "가" * 10, 0, 1), (" " + "나" * 11, 1, 2)])

    assert parsed(written("srt", alone(radio, full)))[0].lines == ["가" * 10 + " " + "나" * 10]
    assert parsed(written("srt", alone(radio, more)))[0].lines == ["가" * 10, "나" * 11]


def test_a_long_utterance_is_cut_at_the_end_of_a_sentence(radio: Transcript) -> None:
    words = (
        "Say it again, please. This one is much longer and it does not end before the cue is full."
    )
    spread = [(f" {word}", i * 0.3, i * 0.3 + 0.3) for i, word in enumerate(words.split())]

    first, second = parsed(written("srt", alone(radio, utterance(spread))))

    assert first.text == "Say it again, please."
    assert (first.end, second.start) == (1.2, 1.2)


def test_where_there_is_no_sentence_end_it_is_cut_at_a_pause(radio: Transcript) -> None:
    spread = [(" word", i * 0.3 + (2 if i >= 10 else 0), i * 0.3 + 0.3 + (2 if i >= 10 else 0))
              for i in range(19)]  # fmt: skip

    first, second = parsed(written("srt", alone(radio, utterance(spread))))

    assert first.text.split() == ["word"] * 10
    assert second.start == pytest.approx(5.0)


def test_text_without_spaces_is_wrapped_too(radio: Transcript) -> None:
    characters = enumerate("滑走路に進入して待機してください" * 4)
    japanese = utterance([(each, i * 0.1, i * 0.1 + 0.1) for i, each in characters])

    cues = parsed(written("srt", alone(radio, japanese)))

    assert "".join("".join(cue.lines) for cue in cues) == japanese.text
    assert all(cell_len(line) <= 42 for cue in cues for line in cue.lines)


def test_a_piece_of_a_korean_word_is_not_parted_from_it(radio: Transcript) -> None:
    halves = [" 관제", "구역에서"] * 12
    pieces = [(half, i * 0.2, i * 0.2 + 0.2) for i, half in enumerate(halves)]

    cues = parsed(written("srt", alone(radio, utterance(pieces))))

    assert {word for cue in cues for word in cue.text.split()} == {"관제구역에서"}


def test_an_empty_transcript_is_a_valid_file(radio: Transcript) -> None:
    nothing = replace(radio, utterances=())

    assert written("srt", nothing) == ""
    assert written("vtt", nothing) == "WEBVTT\n"


def of(*utterances: Utterance, labels: tuple[str, ...]) -> Transcript:
    channels = tuple(Channel(index, label) for index, label in enumerate(labels))
    return Transcript(
        ("a.wav",), 99.0, channels, utterances, Engine("", "", ""), Timings(1, 1, 1, 1, 1, 1)
    )


word_texts = st.text("가나다라 abcdef滑走.,!?-<&", min_size=1, max_size=60)
speech = st.lists(
    st.tuples(st.booleans(), word_texts, st.floats(0, 9), st.floats(0, 3)), min_size=1, max_size=30
)


@given(words=speech, label=st.text("가a .", min_size=1, max_size=60))
def test_whatever_is_said_fits_on_the_screen_and_nothing_is_lost(
    words: list[tuple[bool, str, float, float]], label: str
) -> None:
    timed, now = [], 0.0
    for spaced, text, length, pause in words:
        timed.append((" " * spaced + text, now, now + length))
        now += length + pause
    one = utterance(timed)
    two = replace(one, channel=1, span=one.span.later(0.05))
    both = parsed(written("srt", of(one, two, labels=("a", label))))
    single = parsed(written("srt", of(one, labels=("a",))))

    for cue in single + both:
        assert 0 < cue.end - cue.start <= 7.001
        assert len(cue.lines) <= 2
        assert all(cell_len(line) <= 42 for line in cue.lines)
    assert all(a.end <= b.start for a, b in pairwise(single))
    shown = "".join("".join(cue.lines) for cue in single)
    assert shown.replace(" ", "") == one.text.replace(" ", "")
