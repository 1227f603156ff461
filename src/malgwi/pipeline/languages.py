"""Which language a channel speaks: given, or detected once from its first speech and said."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import numpy as np

from malgwi.errors import BadOption
from malgwi.pipeline.cutter import Cut
from malgwi.pipeline.language_codes import language_code
from malgwi.stt import Piece, Transcriber
from malgwi.types import SAMPLE_RATE, Channel, Notice

ENOUGH = 10.0
"""Seconds of pieces, from which the language is told."""
UNSURE = 0.5


class Languages:
    """Holds the first pieces of a channel back until its language is known.

    Pieces of a channel whose language was given pass at once. For the others the engine is asked
    as soon as there is enough speech, or the recording is over. An engine that knows one language
    only is not asked.
    """

    def __init__(
        self, channels: Sequence[Channel], stt: Transcriber, among: Collection[str] = ()
    ) -> None:
        """Raises BadOption for a language that the engine does not know, or has to be told."""
        self.channels = [_settled(channel, stt) for channel in channels]
        known, engine = stt.capabilities.languages, stt.engine.model
        self._among = frozenset(language_code(each, known, engine) for each in among)
        self._stt = stt
        self._held: dict[int, list[Cut]] = defaultdict(list)

    def known(self, cuts: Iterable[Cut]) -> list[Cut]:
        """Those of `cuts`, and of what was held back, whose language is known now."""
        passed: list[Cut] = []
        for cut in cuts:
            if self.channels[cut.channel].language is not None:
                passed.append(cut)
                continue
            held = self._held[cut.channel]
            held.append(cut)
            if sum(each.span.duration for each in held) >= ENOUGH:
                passed += self._detect(cut.channel)
        return passed

    def rest(self) -> list[Cut]:
        """The recording is over: everything that is still held back."""
        return [cut for channel in list(self._held) for cut in self._detect(channel)]

    def held(self) -> list[Cut]:
        """What is still held back."""
        return [cut for cuts in self._held.values() for cut in cuts]

    def notices(self) -> list[Notice]:
        """One for each channel whose language is a guess."""
        return [
            Notice(
                "language-unsure",
                f"Channel {each.label} may be in {each.language} "
                f"({each.language_probability:.0%} sure). Say --language to be certain.",
            )
            for each in self.channels
            if each.language_probability is not None and each.language_probability < UNSURE
        ]

    def _detect(self, channel: int) -> list[Cut]:
        held = self._held.pop(channel)
        heard = np.concatenate([cut.samples for cut in held])
        most = round(self._stt.capabilities.longest * SAMPLE_RATE)
        [guess] = self._stt.detect_language([Piece(heard[:most])], self._among)
        self.channels[channel] = replace(
            self.channels[channel],
            language=guess.language,
            language_probability=guess.probability,
        )
        return held


def _settled(channel: Channel, stt: Transcriber) -> Channel:
    """The channel with its language, where it was given or there is no choice."""
    known, engine = stt.capabilities.languages, stt.engine.model
    if channel.language is not None:
        return replace(channel, language=language_code(channel.language, known, engine))
    if len(known) == 1:
        return replace(channel, language=next(iter(known)))
    if not stt.capabilities.detects_language:
        raise BadOption(f"{engine} cannot tell languages apart. Give the language, as ko or en.")
    return channel
