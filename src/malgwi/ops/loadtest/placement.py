"""Who speaks when: clips are dealt out over the channels, as radio has it. Pure, and the same for
the same seed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from malgwi.ops.loadtest.clips import Clip
from malgwi.ops.loadtest.plan import Plan
from malgwi.types import SAMPLE_RATE, Span

SHORTEST_PAUSE = 0.7
"""Seconds; after a shorter one it would be the same turn."""
_EVEN = 0.2, 1.8
"""By how much a pause may be other than the mean one."""


@dataclass(frozen=True, slots=True)
class Placement:
    """A clip on a channel."""

    channel: int
    clip: int
    first: int
    """The place of its first sample in the channel."""
    spoken: Span
    """Seconds of the channel."""


def placements(plan: Plan, clips: Sequence[Clip]) -> list[list[Placement]]:
    """Of each channel, in the order of time; whoever speaks at the end has finished."""
    return [list(_of_channel(plan, clips, channel)) for channel in range(plan.channels)]


def _of_channel(plan: Plan, clips: Sequence[Clip], channel: int) -> Iterator[Placement]:
    chance = np.random.default_rng([plan.seed, channel])
    which = channel * len(clips) // plan.channels
    now = _pause(clips[which], plan.activity) * chance.uniform()
    while now + clips[which].duration <= plan.seconds:
        clip, first = clips[which], round(now * SAMPLE_RATE)
        yield Placement(channel, which, first, clip.spoken.later(first / SAMPLE_RATE))
        pause = _pause(clip, plan.activity) * chance.uniform(*_EVEN)
        now += clip.duration + max(SHORTEST_PAUSE, pause)
        which = (which + 1) % len(clips)


def _pause(clip: Clip, activity: float) -> float:
    """After which the clip was that share of the time."""
    return max(0.0, clip.spoken.duration / activity - clip.duration)
