"""The work of jobs: from a recording that is kept to a transcript that is kept, and on to another.

Every batch that was recognised is a checkpoint, so that another attempt goes on where this one
ended, and ends as it would have ended. The transcript is kept under the id of its job, in the
transaction that ends it: nobody makes a second one, nor one for a job that was taken away.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Protocol

from malgwi.apps.transcription.api import rewritings
from malgwi.apps.transcription.api.rewriting import Rewriting as Rewritten
from malgwi.apps.transcription.orders import Order
from malgwi.apps.transcription.progress import speed, time_left
from malgwi.audio import Recording
from malgwi.errors import NotFound, Stale
from malgwi.jobs import Running, Write
from malgwi.pipeline import Engines, Progress, Remembering, transcribe
from malgwi.store import Authorship, RecordingChanges, RevisionKind, Store, aligned
from malgwi.store import Recording as Kept
from malgwi.text import Glossary
from malgwi.types import Lane, Utterance


@dataclass(frozen=True, slots=True)
class Source:
    """A file of a recording: where it is, what it is called, and how much later it begins."""

    path: Path
    name: str
    offset: float


class Open(Protocol):
    """Opens the files of a recording on one clock."""

    def __call__(
        self, sources: Sequence[Source], labels: Sequence[str], stop: Event
    ) -> AbstractContextManager[Recording]:
        """Raises BadAudio, TooLarge, and Cancelled once `stop` is set."""
        ...


@dataclass(frozen=True, slots=True)
class Transcribing:
    """A handler for jobs of kind `transcribe`. What it made is kept with the end of the job, or not
    at all."""

    store: Store
    open: Open
    engines: Callable[[Order, Lane, Event], Engines]
    """What to transcribe with. Raises ModelMissing, EngineGone, BadGlossary."""

    def __call__(self, running: Running) -> Write:
        order = Order.of(running.payload)
        kept = self.store.recording(order.recording)
        engines = self.engines(order, running.job.lane, running.stop)
        remembering = Remembering(engines.stt, running.checkpoints, running.checkpoint)
        with self._opened(kept, running.stop) as recording:
            transcript = transcribe(
                recording,
                replace(engines, stt=remembering),
                order.request,
                on_progress=lambda progress: running.progress(**_facts(progress)),
                stop=running.stop,
            )
        running.check()
        # Whoever renamed a channel meanwhile knows better.
        renamed = self.store.recording(kept.id).channel_labels != kept.channel_labels
        labels = None if renamed else tuple(channel.label for channel in transcript.channels)
        known = RecordingChanges(duration=transcript.duration, channel_labels=labels)
        self.store.update_recording(kept.id, known)
        transcript_id, save = self.store.saving(kept.id, transcript, key=running.job.id)
        running.progress(stage="done", transcript=transcript_id)
        return save

    @contextmanager
    def _opened(self, kept: Kept, stop: Event) -> Iterator[Recording]:
        with self.store.reading_media([each.sha256 for each in kept.media], stop) as paths:
            sources = [
                Source(path, part.name, part.offset)
                for path, part in zip(paths, kept.media, strict=True)
            ]
            with self.open(sources, kept.channel_labels, stop) as recording:
                yield recording


def _facts(progress: Progress) -> dict[str, object]:
    """What people see of it; all in seconds."""
    fast, left = speed(progress), time_left(progress)
    return {
        "stage": progress.stage,
        "audio_done": round(progress.audio_done, 1),
        "audio_total": progress.audio_total and round(progress.audio_total, 1),
        "speech_done": round(progress.speech_done, 1),
        "times_real_time": fast and round(fast, 1),
        "seconds_left": None if left is None else round(left, 1),
    }


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A handler for jobs of kind `glossary`: transcripts that are kept, written anew.

    Each transcript is a revision of its own; what somebody has corrected stays as it is. Where it
    is done again after a kill, those that were written say the same already. Those that were
    deleted meanwhile are counted.
    """

    store: Store
    glossary: Callable[[str, int | None], Glossary]
    """By name and revision. Raises NotFound."""

    def __call__(self, running: Running) -> None:
        payload = running.payload
        glossary = self.glossary(payload["glossary"], payload["revision"])
        by = Authorship(payload["author"], payload["glossary"], RevisionKind.GLOSSARY)
        ids: Sequence[str] = payload["transcripts"]
        changed = gone = 0
        for done, transcript_id in enumerate(ids):
            running.progress(done=done, of=len(ids), changed=changed, gone=gone)
            try:
                changed += self._rewrite(running, transcript_id, glossary, by)
            except NotFound:
                gone += 1
        running.progress(done=len(ids), of=len(ids), changed=changed, gone=gone)

    def _rewrite(
        self, running: Running, transcript_id: str, glossary: Glossary, by: Authorship
    ) -> int:
        """How many utterances say something else now."""
        while True:
            running.check()
            base = self.store.transcript_record(transcript_id).revision
            found = rewritings(self.store.transcript(transcript_id, base), glossary)
            new = [_rewritten(each) for each in found]
            try:
                self.store.revise(transcript_id, base, new, by)
            except Stale:  # somebody was faster
                continue
            return len(new)


def _rewritten(each: Rewritten) -> Utterance:
    """With times for the words of its new text."""
    words = aligned(each.before.words, each.after.text, each.before.span)
    return replace(each.after, words=words if each.before.words else ())
