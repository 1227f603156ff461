"""What the handlers of jobs leave behind, whatever happens to their jobs and their recordings."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from audio.soundfiles import tone, write
from store.keeper import keeper
from store.kept import SAID, transcribed

from malgwi.apps.transcription.api import GLOSSARY
from malgwi.apps.transcription.orders import KIND, Order
from malgwi.apps.transcription.work import Rewriting, Source, Transcribing
from malgwi.audio import Recording, open_recording
from malgwi.jobs import Context, Handler, execute
from malgwi.pipeline import Engines
from malgwi.store import (
    Correction,
    Elsewhere,
    MediaPart,
    NewRecording,
    RecordingChanges,
    SqlStore,
)
from malgwi.store import Recording as Kept
from malgwi.store.ledger import Ledger
from malgwi.testing import ScriptedTranscriber
from malgwi.text import Entry, Glossary
from malgwi.types import Job, JobState, Lane
from malgwi.vad.energy import EnergyDetector

NORTH = Glossary((Entry("north", "NORTH", ("north",)),))


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Iterator[SqlStore]:
    path = shutil.copy(template, tmp_path / "malgwi.db")
    store = SqlStore(f"sqlite:///{path}", tmp_path / "data")
    yield store
    store.close()


@pytest.fixture
def ledger(store: SqlStore) -> Ledger:
    return Ledger(store.database)


def done(ledger: Ledger, job: Job, handler: Handler) -> Job:
    """One attempt at it."""
    held = ledger.claim(job.id, "worker", 30.0)
    assert held is not None
    context = Context(ledger, {job.kind: handler}, lease=30.0)
    execute(context, held, Event(), lambda: None)
    return ledger.get(job.id)


# -- a transcription


@contextmanager
def opened(sources: Sequence[Source], labels: Sequence[str], stop: Event) -> Iterator[Recording]:
    yield open_recording([each.path for each in sources], labels=labels)


def scripted(order: Order, lane: Lane, stop: Event) -> Engines:
    return Engines(EnergyDetector, ScriptedTranscriber())


@pytest.fixture
def recording(store: SqlStore, tmp_path: Path) -> Kept:
    """Two seconds of sound, of which nothing is known."""
    path = write(tmp_path / "a.wav", tone(300.0, 2.0, 16_000), 16_000)
    kept = store.keep_media([path.read_bytes()])
    return store.add_recording(NewRecording("a.wav", (MediaPart(kept.sha256, "a.wav"),)))


def transcription(ledger: Ledger, recording: Kept) -> Job:
    order = Order(recording.id, languages=("en",))
    return ledger.add(KIND, order.payload, lane=Lane.BATCH, queue="batch")


def test_a_job_says_which_transcript_it_made(
    store: SqlStore, ledger: Ledger, recording: Kept
) -> None:
    job = done(ledger, transcription(ledger, recording), Transcribing(store, opened, scripted))

    [record] = store.transcripts(recording.id)
    assert (job.state, job.progress["transcript"]) == (JobState.DONE, record.id)
    known = store.recording(recording.id)
    assert (known.duration, known.channel_labels) == (2.0, ("ch01",))


def test_where_media_of_another_node_cannot_be_had_the_job_is_tried_again_and_says_why(
    store: SqlStore, ledger: Ledger, recording: Kept, tmp_path: Path
) -> None:
    with keeper(tmp_path / "data" / "media") as there:
        elsewhere = Elsewhere(there.source("another-key-than-the-right-one"), bound=10**9)
        here = SqlStore(f"sqlite:///{tmp_path / 'malgwi.db'}", tmp_path / "node", elsewhere)
        job = done(ledger, transcription(ledger, recording), Transcribing(here, opened, scripted))
        here.close()

    assert job.state is JobState.QUEUED
    assert there.url in (job.error or "")
    assert "MALGWI_STORE__MEDIA_KEY_FILE" in (job.error or "")


def test_who_names_a_channel_while_a_job_runs_knows_better(
    store: SqlStore, ledger: Ledger, recording: Kept
) -> None:
    @contextmanager
    def named(sources: Sequence[Source], labels: Sequence[str], stop: Event) -> Iterator[Recording]:
        with opened(sources, labels, stop) as sound:
            yield sound
        store.update_recording(recording.id, RecordingChanges(channel_labels=("tower",)))

    done(ledger, transcription(ledger, recording), Transcribing(store, named, scripted))

    [record] = store.transcripts(recording.id)
    assert store.recording(recording.id).channel_labels == ("tower",)
    assert [each.label for each in record.channels] == ["tower"]


def test_a_job_that_was_taken_away_at_the_last_moment_leaves_no_transcript(
    store: SqlStore, ledger: Ledger, recording: Kept
) -> None:
    @contextmanager
    def lost(sources: Sequence[Source], labels: Sequence[str], stop: Event) -> Iterator[Recording]:
        with opened(sources, labels, stop) as sound:
            yield sound
        ledger.cancel(job.id)
        ledger.reap(ledger.running())

    job = transcription(ledger, recording)

    ended = done(ledger, job, Transcribing(store, lost, scripted))

    assert ended.state is JobState.CANCELLED
    assert store.transcripts(recording.id) == ()


def test_what_somebody_calls_the_channels_meanwhile_stays(
    store: SqlStore, ledger: Ledger, recording: Kept
) -> None:
    @contextmanager
    def renamed(
        sources: Sequence[Source], labels: Sequence[str], stop: Event
    ) -> Iterator[Recording]:
        with opened(sources, labels, stop) as sound:
            store.update_recording(recording.id, RecordingChanges(channel_labels=("gate",)))
            yield sound

    ended = done(ledger, transcription(ledger, recording), Transcribing(store, renamed, scripted))

    assert ended.state is JobState.DONE
    assert store.recording(recording.id).channel_labels == ("gate",)


# -- a glossary


def rewriting(ledger: Ledger, *transcripts: str) -> Job:
    payload = {"glossary": "g", "revision": 1, "author": None, "transcripts": list(transcripts)}
    return ledger.add(GLOSSARY, payload, lane=Lane.BATCH, queue="batch")


def texts(store: SqlStore, transcript: str) -> list[str]:
    return [each.text for each in store.transcript(transcript).utterances]


NEW = [each.text.replace("north", "NORTH") for each in SAID.utterances]


def test_a_transcript_that_was_deleted_keeps_no_other_from_being_rewritten(
    store: SqlStore, ledger: Ledger
) -> None:
    gone, there = transcribed(store), transcribed(store)
    job = rewriting(ledger, gone.id, there.id)
    store.purge_recording(gone.recording_id)

    ended = done(ledger, job, Rewriting(store, lambda *_: NORTH))

    assert ended.state is JobState.DONE
    assert ended.progress == {"done": 2, "of": 2, "changed": 2, "gone": 1}
    assert texts(store, there.id) == NEW


def test_who_corrects_while_a_glossary_is_applied_keeps_that_and_nothing_is_put_off(
    store: SqlStore, ledger: Ledger
) -> None:
    record = transcribed(store)
    correction = [Correction("01-0001", "say it again")]
    once = iter([lambda: store.correct(record.id, 1, correction)])

    def meanwhile(*statement: Any) -> None:
        if "FROM utterance" in statement[2]:
            elsewhere(next(once, lambda: None))

    sa.event.listen(store.database.engine, "after_cursor_execute", meanwhile)

    ended = done(ledger, rewriting(ledger, record.id), Rewriting(store, lambda *_: NORTH))

    assert (ended.state, ended.attempt) == (JobState.DONE, 1)
    expected = [NEW[0], "say it again", *NEW[2:]]
    assert texts(store, record.id) == expected


def elsewhere(what: Callable[[], object]) -> None:
    thread = Thread(target=what)
    thread.start()
    thread.join()
