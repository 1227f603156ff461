"""Things to keep: plain ones, and whatever types allow."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from malgwi.store import MediaPart, NewRecording, Recording, SqlStore, TranscriptRecord
from malgwi.store.schema import media
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

NASTY = "<script>alert('북문')</script>'; DROP TABLE recording; -- %_\\ \" \n\t\x01 🎧 é"


def words(text: str, start: float = 0.0, each: float = 1.0) -> tuple[Word, ...]:
    """One second a word, one after the other."""
    return tuple(
        Word(f" {word}", Span(start + index * each, start + (index + 1) * each), 0.5)
        for index, word in enumerate(text.split())
    )


def utterance(number: int, text: str, channel: int = 0) -> Utterance:
    """The one of that number, ten seconds after the one before."""
    start = 10.0 * number
    said = words(text, start)
    return Utterance(
        id=f"{channel:02}-{number:04}",
        channel=channel,
        span=Span(start, start + len(said)),
        raw_text=text,
        text=text,
        words=said,
        language="en",
        confidence=0.5,
    )


def transcript(*utterances: Utterance) -> Transcript:
    return Transcript(
        sources=("radio.wav",),
        duration=120.0,
        channels=(Channel(0, "north gate"), Channel(1, "south gate", "ko", 0.9)),
        utterances=utterances,
        engine=Engine("scripted", "none", "cpu"),
        timings=Timings(1.0, 0.5, 0.25, 0.5, 120.0, 30.0),
    )


SAID = transcript(
    utterance(0, "unit four at the north gate"),
    utterance(1, "say again", channel=1),
    utterance(2, "at the north gate over"),
    utterance(3, "copy that", channel=1),
)


def recorded(store: SqlStore, name: str = "radio.wav", **options: object) -> Recording:
    return store.add_recording(replace(NewRecording(name), **options))  # type: ignore[arg-type]


def with_media(store: SqlStore, content: bytes, name: str = "radio.wav") -> Recording:
    kept = store.keep_media([content])
    return recorded(store, name, media=(MediaPart(kept.sha256, name),))


def aged(store: SqlStore) -> None:
    """As if all media had come two hours ago."""
    long_ago = datetime.now(UTC) - timedelta(hours=2)
    store.database.write(lambda it: it.execute(media.update().values(stored=long_ago)))


def transcribed(store: SqlStore, said: Transcript = SAID) -> TranscriptRecord:
    return store.save_transcript(recorded(store).id, said)


# What any text may hold: everything but NUL and halves of surrogate pairs.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
seconds = st.floats(0, 1e6)
shares = st.none() | st.floats(0, 1)
levels = st.none() | st.floats(-100, 0) | st.just(float("-inf"))
spans = st.tuples(seconds, seconds).map(lambda pair: Span(min(pair), max(pair)))
utterances = st.builds(
    Utterance,
    id=st.just("00-0000"),
    channel=st.integers(0, 63),
    span=spans,
    raw_text=texts,
    text=texts,
    words=st.lists(st.builds(Word, texts, spans, shares), max_size=4).map(tuple),
    language=st.sampled_from(["ko", "en", "yue"]),
    speaker=st.none() | texts,
    confidence=shares,
    no_speech=shares,
    attempts=st.integers(1, 3),
    level=levels,
    changes=st.lists(
        st.builds(Change, texts, st.integers(0, 9), st.integers(0, 9), texts, texts), max_size=2
    ).map(tuple),
    suppressed=st.none() | texts,
    duplicate_of=st.none() | st.just("01-0001"),
)
transcripts = st.builds(
    Transcript,
    sources=st.lists(texts, max_size=2).map(tuple),
    duration=seconds,
    channels=st.lists(
        st.builds(Channel, st.integers(0, 63), texts, st.none() | st.just("ko"), shares), max_size=3
    ).map(tuple),
    utterances=st.lists(utterances, max_size=5).map(
        lambda found: tuple(replace(one, id=f"00-{n:04}") for n, one in enumerate(found))
    ),
    engine=st.builds(Engine, texts, texts, texts, st.none() | texts, st.none() | texts),
    timings=st.builds(Timings, *[seconds] * 6),
    notices=st.lists(st.builds(Notice, texts, texts), max_size=2).map(tuple),
    complete=st.booleans(),
)
