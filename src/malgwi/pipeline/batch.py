"""A recording becomes a transcript: the whole way.

    decode            in a thread of its own, a few blocks ahead
    detect voices     all channels in one call, while the engine works
    cut               speech becomes pieces
    recognise         pieces of all channels share batches, sorted by length
    write             text rules, in the order of the recording
    merge             one timeline, and what was heard twice is marked

Memory does not grow with the length of the recording, but for the transcript itself: the
queue, the pool and the batches under way are bounded, and sound is let go once it was heard.
"""

import math
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from threading import Event, Lock

from malgwi.audio import Recording
from malgwi.errors import BadOption
from malgwi.pipeline.cutter import Cut, CutRule, Cutter
from malgwi.pipeline.languages import Languages
from malgwi.pipeline.merge import mark_duplicates, merge
from malgwi.pipeline.pool import Pool
from malgwi.pipeline.read_ahead import ReadAhead
from malgwi.pipeline.settled import Settled
from malgwi.pipeline.utterances import numbered, utterances_of
from malgwi.stt import Piece, Recognition, Task, Transcriber
from malgwi.text import Rule, apply
from malgwi.types import Block, Channel, Notice, Timings, Transcript, Utterance
from malgwi.vad import EverythingDetector, VoiceDetector

BLOCKS_AHEAD = 2
BATCHES_AHEAD = 3  # a worker; with more to choose from, the pieces of a batch are more alike


@dataclass(frozen=True, slots=True)
class Engines:
    """What a recording is transcribed with. `new_vad` makes one a recording: it remembers."""

    new_vad: Callable[[], VoiceDetector]
    stt: Transcriber
    rules: Callable[[Sequence[str]], Sequence[Rule]] = field(default=lambda labels: ())
    """The text rules for channels of these labels."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for."""

    languages: Sequence[str | None] = ()
    """ISO 639-1, one for all channels or one a channel; none, or None, to detect it."""
    prompt: str = ""
    hotwords: str = ""
    task: Task = "transcribe"
    among: Collection[str] = ()
    """ISO 639-1; where a language is detected it is one of these. None: any that is known."""
    find_speech: bool = True
    """False where all of the sound is known to be speech, as a piece that was cut elsewhere."""
    cut: CutRule = field(default_factory=CutRule)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it has come."""

    stage: str
    """`decoding` until the first piece is out, then `recognising`, at last `writing`."""
    audio_done: float
    """Seconds of the recording up to which everything is recognised."""
    audio_total: float | None
    """Seconds; None where the file does not say."""
    speech_done: float
    """Seconds of speech recognised, all channels added up."""
    speech_found: float
    channels: int
    wall: float
    """Seconds since the start."""


def channels_of(recording: Recording, request: Request) -> list[Channel]:
    """The channels of the transcript, as far as they are known before. Raises BadOption."""
    labels, languages = recording.labels, list(request.languages)
    if len(languages) == 1:
        languages *= len(labels)
    if languages and len(languages) != len(labels):
        raise BadOption(
            f"{len(languages)} languages were given for {len(labels)} channels. "
            "Give one for all, or one a channel."
        )
    languages = languages or [None] * len(labels)
    pairs = zip(labels, languages, strict=True)
    return [Channel(index, label, language) for index, (label, language) in enumerate(pairs)]


def transcribe(  # noqa: PLR0913 (what, with what, how; and what to tell whom meanwhile)
    recording: Recording,
    engines: Engines,
    request: Request | None = None,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_utterances: Callable[[Sequence[Utterance]], None] | None = None,
    stop: Event | None = None,
) -> Transcript:
    """The transcript of all channels.

    `on_utterances` gets the utterances of the transcript while it is made, each once, in its order
    and as it will stay. `stop`, once set, ends it early: what is recognised by then comes back,
    marked incomplete. Raises BadAudio, BadOption, EngineFailed.
    """
    run = _Run(recording, engines, request or Request(), on_progress, stop or Event())
    return run.transcript(on_utterances)


class _Run:
    """One recording on its way. One thread owns it; the workers only call the engine."""

    def __init__(
        self,
        recording: Recording,
        engines: Engines,
        request: Request,
        on_progress: Callable[[Progress], None],
        stop: Event,
    ) -> None:
        self._recording = recording
        self._engines = engines
        self._request = request
        self._on_progress = on_progress
        self._stop = stop
        self._vad = engines.new_vad() if request.find_speech else EverythingDetector()
        _check_possible(request, engines.stt)
        channels = channels_of(recording, request)
        self._languages = Languages(channels, engines.stt, request.among)
        longest = min(request.cut.longest, engines.stt.capabilities.longest)
        rule = replace(request.cut, longest=longest)
        self._cutter = Cutter(len(recording.labels), self._vad.window, rule)
        self._rules = engines.rules(recording.labels)
        self._pool = Pool()
        self._running: dict[Future[list[Recognition]], list[tuple[int, Cut]]] = {}
        self._utterances: list[Utterance] = []
        self._settled = Settled(len(recording.labels))
        self._on_utterances: Callable[[Sequence[Utterance]], None] | None = None
        self._open: dict[int, Cut] = {}  # by place in the order: not recognised yet
        self._counting = Lock()
        self._began = time.monotonic()
        self._duration = self._vad_seconds = self._recognition_seconds = 0.0
        self._speech_found = self._speech_done = 0.0
        self._all_read = False

    def transcript(
        self, on_utterances: Callable[[Sequence[Utterance]], None] | None = None
    ) -> Transcript:
        self._on_utterances = on_utterances
        parallel = self._engines.stt.capabilities.parallel
        with (
            ReadAhead(self._recording.blocks, BLOCKS_AHEAD) as blocks,
            ThreadPoolExecutor(parallel, "recognise") as self._workers,
        ):
            try:
                self._read(blocks)
                self._drain()
            except BaseException:  # do not wait for batches that nobody will see
                self._workers.shutdown(wait=False, cancel_futures=True)
                raise
        result = self._result(decoding=blocks.busy)
        if on_utterances and len(result.utterances) > self._settled.given:
            on_utterances(result.utterances[self._settled.given :])
        return result

    def _read(self, blocks: Iterable[Block]) -> None:
        """Recognise what is heard while the recording goes on, unless it is stopped."""
        for block in blocks:
            self._add(self._languages.known(self._cuts(block)))
            self._submit()
            if self._stop.is_set():
                return
        self._add(self._languages.known(self._cutter.close()))
        self._add(self._languages.rest())
        self._all_read = True

    def _cuts(self, block: Block) -> list[Cut]:
        began = time.thread_time()
        self._duration = block.start + block.duration
        cuts = self._cutter.push(block, self._vad.probabilities(block.samples))
        self._vad_seconds += time.thread_time() - began
        return cuts

    def _add(self, cuts: Sequence[Cut]) -> None:
        for cut in cuts:
            self._open[self._pool.add(cut)] = cut
            self._speech_found += cut.span.duration

    def _submit(self) -> None:
        """Give the engine what is waiting; return when there is room to read on.

        When a batch is made depends on what was read, never on how fast the engine is: what shares
        a batch is padded alike, which changes what is heard, and that has to be the same at every
        run. There is no hurry: reading is fast, and from many pieces better batches are made.
        """
        capabilities = self._engines.stt.capabilities
        room = capabilities.batch * capabilities.parallel * BATCHES_AHEAD
        while len(self._pool) >= room and not self._stop.is_set():
            if len(self._running) <= capabilities.parallel:
                self._start(self._pool.take(capabilities.batch))
            else:
                self._collect(timeout=None)
        self._collect(timeout=0)

    def _drain(self) -> None:
        """Recognise what is left, the last of it shared out evenly."""
        capabilities = self._engines.stt.capabilities
        while self._running or (len(self._pool) and not self._stop.is_set()):
            free = len(self._running) <= capabilities.parallel
            if len(self._pool) and free and not self._stop.is_set():
                share = math.ceil(len(self._pool) / capabilities.parallel)
                self._start(self._pool.take_longest(min(capabilities.batch, share)))
            else:
                self._collect(timeout=None)

    def _start(self, batch: list[tuple[int, Cut]]) -> None:
        pieces = [self._piece(cut) for _, cut in batch]
        self._running[self._workers.submit(self._recognise, pieces)] = batch

    def _piece(self, cut: Cut) -> Piece:
        language = self._languages.channels[cut.channel].language
        asked = self._request
        return Piece(cut.samples, language, asked.prompt, asked.hotwords, asked.task)

    def _recognise(self, pieces: Sequence[Piece]) -> list[Recognition]:
        began = time.monotonic()
        heard = self._engines.stt.transcribe(pieces)
        with self._counting:
            self._recognition_seconds += time.monotonic() - began
        return heard

    def _collect(self, timeout: float | None) -> None:
        done, _ = wait(self._running, timeout, FIRST_COMPLETED)
        for future in done:
            batch = self._running.pop(future)
            for (place, cut), heard in zip(batch, future.result(), strict=True):
                self._speech_done += self._open.pop(place).span.duration
                said = [apply(self._rules, each) for each in utterances_of(cut, heard)]
                self._utterances += said
                self._settled.add(said)
        self._report("recognising" if self._speech_done else "decoding")
        if self._on_utterances and (settled := self._settled.until(self._done_until())):
            self._on_utterances(settled)

    def _done_until(self) -> float:
        """Seconds up to which everything is recognised, on all channels."""
        waiting = (cut.span.start for cut in (*self._open.values(), *self._languages.held()))
        return min(self._cutter.done_until, min(waiting, default=self._duration))

    def _report(self, stage: str) -> None:
        self._on_progress(
            Progress(
                stage,
                self._done_until(),
                self._recording.duration,
                self._speech_done,
                self._speech_found,
                len(self._recording.labels),
                time.monotonic() - self._began,
            )
        )

    @property
    def _complete(self) -> bool:
        return self._all_read and not len(self._pool)

    def _result(self, decoding: float) -> Transcript:
        utterances = numbered(self._utterances)
        self._report("writing")
        return Transcript(
            sources=self._recording.sources,
            duration=self._duration,
            channels=tuple(self._languages.channels),
            utterances=mark_duplicates(merge([utterances])),
            engine=self._engines.stt.engine,
            timings=self._timings(decoding),
            notices=(*self._recording.notices, *self._languages.notices(), *self._broken()),
            complete=self._complete,
        )

    def _timings(self, decoding: float) -> Timings:
        return Timings(
            wall=time.monotonic() - self._began,
            decoding=decoding,
            vad=self._vad_seconds,
            recognition=self._recognition_seconds,
            audio=self._duration * len(self._recording.labels),
            speech=self._speech_done,
        )

    def _broken(self) -> list[Notice]:
        if self._complete:
            return []
        until = self._done_until()
        message = (
            f"Stopped early: everything said in the first {until:.1f} s is here, later parts not."
        )
        return [Notice("interrupted", message)]


def _check_possible(request: Request, stt: Transcriber) -> None:
    if request.task == "translate" and not stt.capabilities.translates:
        raise BadOption(f"{stt.engine.model} does not translate. Ask for the words as spoken.")
    if (request.prompt or request.hotwords) and not stt.capabilities.prompts:
        raise BadOption(
            f"{stt.engine.model} takes neither a prompt nor hot words. Leave them out; a glossary "
            "works with every engine."
        )
