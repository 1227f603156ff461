"""The JSON is the full truth: it fits its schema, and reading it gives the transcript back."""

import dataclasses
import io
import json
import math
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from malgwi.apps.transcription import FORMATS, read_json, write
from malgwi.errors import BadInput
from malgwi.types import (
    Change,
    Channel,
    Engine,
    Notice,
    Span,
    Timings,
    Transcript,
    Utterance,
    Word,
)

SCHEMA = json.loads(
    (Path(__file__).parents[3] / "docs/reference/transcript.schema.json").read_text("utf-8")
)


def as_json(transcript: Transcript) -> Any:
    file = io.StringIO()
    FORMATS["json"].write(transcript, file)
    return json.loads(file.getvalue())


def test_the_schema_file_is_a_schema_and_the_output_fits_it(radio: Transcript) -> None:
    Draft202012Validator.check_schema(SCHEMA)

    Draft202012Validator(SCHEMA).validate(as_json(radio))
    Draft202012Validator(SCHEMA).validate(as_json(replace(radio, utterances=(), channels=())))


def test_the_schema_knows_every_field_of_the_output_and_no_other(radio: Transcript) -> None:
    row = as_json(radio)

    assert list(SCHEMA["properties"]) == list(row)
    parts = {
        "channel": row["channels"][0],
        "engine": row["engine"],
        "counts": row["counts"],
        "timings": row["timings"],
        "notice": row["notices"][0],
        "utterance": row["utterances"][0],
        "word": row["utterances"][0]["words"][0],
        "change": row["utterances"][0]["changes"][0],
    }
    assert parts.keys() == SCHEMA["$defs"].keys()
    for name, part in parts.items():
        assert (
            list(SCHEMA["$defs"][name]["properties"])
            == list(part)
            == list(SCHEMA["$defs"][name]["required"])
        )


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Transcript, None),
        (Channel, "channel"),
        (Engine, "engine"),
        (Timings, "timings"),
        (Notice, "notice"),
        (Utterance, "utterance"),
        (Word, "word"),
        (Change, "change"),
    ],
)
def test_every_field_of_the_types_is_in_the_schema(kind: type, name: str | None) -> None:
    known = (SCHEMA if name is None else SCHEMA["$defs"][name])["properties"].keys()
    fields = {each.name for each in dataclasses.fields(kind)}

    if "span" in fields:
        fields = (fields - {"span"}) | {"start", "end"}
    assert fields <= known


def test_what_is_marked_is_kept_and_counted(radio: Transcript) -> None:
    row = as_json(radio)

    assert row["counts"] == {"utterances": 8, "suppressed": 1, "duplicates": 1, "retried": 1}
    marks = {each["id"]: (each["suppressed"], each["duplicate_of"]) for each in row["utterances"]}
    assert marks["00-0002"] == ("stock:ko-thanks", None)
    assert marks["02-0001"] == (None, "01-0001")


def test_a_language_says_whether_it_was_given_or_detected(radio: Transcript) -> None:
    found = [(each["language"], each["language_source"]) for each in as_json(radio)["channels"]]

    assert found == [("ko", "detected"), ("en", "given"), ("en", "detected"), (None, None)]


def test_times_are_milliseconds_and_what_is_no_number_is_null(radio: Transcript) -> None:
    one = replace(
        radio.utterances[0], span=Span(1.23456, 4.0), confidence=0.123456, level=-math.inf
    )

    row = as_json(replace(radio, utterances=(one,)))["utterances"][0]

    assert (row["start"], row["confidence"], row["level"]) == (1.235, 0.1235, None)


def test_korean_stands_in_the_file_as_korean_and_an_utterance_is_a_line(radio: Transcript) -> None:
    file = io.StringIO()
    FORMATS["json"].write(radio, file)

    assert sum("관제 종료" in line for line in file.getvalue().splitlines()) == 1


class Sink(io.StringIO):
    """A file that remembers only how much came, and the most at once."""

    total = largest = 0

    def write(self, text: str, /) -> int:  # keeps nothing
        self.total += len(text)
        self.largest = max(self.largest, len(text))
        return len(text)


def test_memory_does_not_grow_with_the_transcript(radio: Transcript) -> None:
    long, sink = replace(radio, utterances=radio.utterances * 500), Sink()

    tracemalloc.start()
    FORMATS["json"].write(long, sink)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert sink.total > 3_000_000
    assert sink.largest < 10_000
    assert peak < 1_000_000


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
maybe_text = st.none() | text
milliseconds = st.integers(0, 10_000_000).map(lambda n: n / 1000)
probability = st.none() | st.integers(0, 10_000).map(lambda n: n / 10_000)
spans = st.builds(Span, milliseconds, milliseconds)
small = st.integers(0, 99)
utterances = st.builds(
    Utterance,
    id=text,
    channel=st.integers(0, 1),
    span=spans,
    raw_text=text,
    text=text,
    words=st.lists(st.builds(Word, text, spans, probability), max_size=3).map(tuple),
    language=text,
    speaker=maybe_text,
    confidence=probability,
    no_speech=probability,
    attempts=st.integers(1, 9),
    level=st.none() | st.integers(-9000, 0).map(lambda n: n / 100),
    changes=st.lists(st.builds(Change, text, small, small, text, text), max_size=2).map(tuple),
    suppressed=maybe_text,
    duplicate_of=maybe_text,
)
transcripts = st.builds(
    Transcript,
    sources=st.lists(text, max_size=2).map(tuple),
    duration=milliseconds,
    channels=st.tuples(
        st.builds(Channel, st.just(0), text, st.none()),
        st.builds(Channel, st.just(1), text, text, probability),
    ),
    utterances=st.lists(utterances, max_size=3).map(tuple),
    engine=st.builds(Engine, text, text, text, maybe_text, maybe_text),
    timings=st.builds(Timings, *[milliseconds] * 6),
    notices=st.lists(st.builds(Notice, text, text), max_size=2).map(tuple),
    complete=st.booleans(),
)


@given(transcript=transcripts)
def test_what_is_written_is_read_back(
    transcript: Transcript, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("round")

    [path] = write(transcript, ["json"], folder, "a")

    assert read_json(path) == transcript


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"schema": "malgwi.transcript/2"}', "its schema is another one"),
        ("{", "the file is wrong"),
        ("[]", "is not a transcript of ours"),
        ('{"schema": "malgwi.transcript/1", "sources": ["secret", 7]}', r"sources\.1 is wrong"),
    ],
)
def test_what_is_no_transcript_is_refused_with_the_place_and_without_its_words(
    tmp_path: Path, content: str, said: str
) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)

    with pytest.raises(BadInput, match=said) as caught:
        read_json(path)

    assert "a.json" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_missing_transcript_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.json cannot be read: No such file"):
        read_json(tmp_path / "none.json")
