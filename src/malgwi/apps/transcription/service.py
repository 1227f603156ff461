"""Recordings of many requests, transcribed with engines that all of them share.

What every HTTP dialect calls, and all that they have in common: a file that was uploaded and
what is wanted of it become a transcript. No web in it; it is called from threads.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from threading import Event
from typing import Protocol

import numpy as np

from malgwi.audio import Recording
from malgwi.errors import Cancelled
from malgwi.pipeline import CutRule, Engines, Request, transcribe
from malgwi.scheduling import Fleet, Lane
from malgwi.stt import LanguageGuess, Piece, Task
from malgwi.text import Rule
from malgwi.types import SAMPLE_RATE, Transcript, Utterance
from malgwi.vad import VoiceDetector


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks of its recording."""

    model: str = ""
    """Name or alias; empty for the default."""
    languages: Sequence[str | None] = ()
    """ISO 639-1, one for all channels or one a channel; none, or None, to detect it."""
    among: Collection[str] = ()
    """ISO 639-1, of which a detected language must be one; empty for any."""
    task: Task = "transcribe"
    prompt: str = ""
    hotwords: str = ""
    find_speech: bool = True
    """False: all of it is speech, a piece for a pipeline elsewhere, which has rules of its own."""
    cut: CutRule = field(default_factory=CutRule)
    lane: Lane = Lane.INTERACTIVE


class Opener(Protocol):
    """Opens what was uploaded, within this machine's limits."""

    def __call__(self, path: Path, name: str, stop: Event) -> AbstractContextManager[Recording]:
        """Raises BadAudio, with `name` for the file, TooLarge, and Cancelled once `stop` is set."""
        ...


@dataclass(frozen=True, slots=True)
class Service:
    """Transcribes what was uploaded."""

    fleet: Fleet
    open: Opener
    new_vad: Callable[[], VoiceDetector]
    rules: Callable[[Sequence[str]], Sequence[Rule]]

    def transcribe(
        self,
        path: Path,
        name: str,
        wanted: Wanted,
        stop: Event,
        on_utterances: Callable[[Sequence[Utterance]], None] | None = None,
    ) -> Transcript:
        """What was said in the file at `path`, which the user calls `name`.

        `on_utterances` gets the utterances as they are settled. Raises BadAudio, BadOption,
        TooLarge, ModelMissing, Overloaded, EngineFailed, and Cancelled once `stop` is set.
        """
        stt = self.fleet.transcriber(wanted.model, wanted.lane, stop)
        request = Request(
            wanted.languages,
            wanted.prompt,
            wanted.hotwords,
            wanted.task,
            wanted.among,
            wanted.find_speech,
            wanted.cut,
        )
        with self.open(path, name, stop) as recording:
            transcript = transcribe(
                recording,
                Engines(self.new_vad, stt, self.rules if wanted.find_speech else lambda _: ()),
                request,
                on_utterances=on_utterances,
                stop=stop,
            )
        if stop.is_set():
            raise Cancelled(f"The transcription of {name} was called off.")
        return transcript

    def detect_language(
        self, path: Path, name: str, wanted: Wanted, stop: Event
    ) -> list[LanguageGuess]:
        """The language of each channel, told from its first half minute. Raises as `transcribe`."""
        stt = self.fleet.transcriber(wanted.model, wanted.lane, stop)
        longest = stt.capabilities.longest
        with self.open(path, name, stop) as recording:
            blocks = list(takewhile(lambda each: each.start < longest, recording.blocks()))
        sound = np.concatenate([block.samples for block in blocks], axis=1)
        first = sound[:, : round(longest * SAMPLE_RATE)]
        return stt.detect_language([Piece(channel) for channel in first], wanted.among)
