"""What of a transcript in the making will not change any more, for whoever reads along.

Pieces are recognised in any order, and on several channels a copy is told from its original only
when both were heard. An utterance is settled when everything that was said before it is known,
and everything near enough to be its copy. What is given out, in the order in which it is given
out, is the beginning of the whole transcript: nothing is taken back. No thread and no clock here.
"""

from collections.abc import Sequence
from dataclasses import replace

from malgwi.pipeline.merge import DEFAULT_RULE, mark_duplicates, merge
from malgwi.pipeline.utterances import numbered
from malgwi.types import Utterance


class Settled:
    """Takes utterances as they are recognised, and gives them out once and in order."""

    def __init__(self, channels: int) -> None:
        self._alone = channels == 1  # then there are no copies to wait for
        self._waiting: list[Utterance] = []
        self._counts = [0] * channels
        self.given = 0

    def add(self, utterances: Sequence[Utterance]) -> None:
        self._waiting += utterances

    def until(self, done: float) -> tuple[Utterance, ...]:
        """Those that are settled when nothing that begins before `done` seconds is missing."""
        known = merge([[each for each in self._waiting if each.span.start < done]])
        ready = known if self._alone else known[: _clear(known, done)]
        out = set(map(id, ready))
        self._waiting = [each for each in self._waiting if id(each) not in out]
        self.given += len(ready)
        return mark_duplicates(self._named(ready))

    def _named(self, utterances: Sequence[Utterance]) -> tuple[Utterance, ...]:
        """With the ids that they have in the whole transcript."""
        before = list(self._counts)
        for each in utterances:
            self._counts[each.channel] += 1
        named = [
            replace(each, id=_shifted(each.id, before[each.channel]))
            for each in numbered(utterances)
        ]
        return merge([named])


def _shifted(name: str, by: int) -> str:
    channel, count = name.split("-")
    return f"{channel}-{int(count) + by:04d}"


def _clear(utterances: Sequence[Utterance], done: float) -> int:
    """How many at the front have a gap behind them that no copy reaches over."""
    clear, reach = 0, float("-inf")
    for index, each in enumerate(utterances):
        if each.span.start > reach:
            clear = index
        reach = max(reach, each.span.end + 2 * DEFAULT_RULE.lag)
    return len(utterances) if done > reach else clear
