"""Beam search on torch, and what Whisper may write next: needs `torch`, and no model.

The search is that of CTranslate2, so that both engines write the same: a beam of one is greedy,
and the hypotheses of all pieces share a batch. The rules for time stamps are those of
openai/whisper's `decoding` (2022).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import inf
from typing import Any

import torch

LATEST_START = 50  # the first time stamp lies in the first second: steps of 0.02 s

Step = Callable[[list[int], list[int]], Any]
"""From the rows that go on, and the token with which each does, to the next logits."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What may have been said in one piece."""

    piece: int
    tokens: tuple[int, ...] = ()
    score: float = 0.0
    """The sum of the logarithms of the probabilities of its tokens."""
    ended: bool = False
    """By itself, and not because there was no room for more."""

    @property
    def mean(self) -> float:
        """Score a token; the end is not counted, as CTranslate2 does not count it."""
        return self.score / max(1, len(self.tokens))


Candidate = tuple[Hypothesis, int]
"""And the row of the batch that it comes from."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Which tokens may come next."""

    end: int
    """All before it are text."""
    first_time: int
    """All from it on are time stamps; before it stands the token for a text without them."""
    never: Sequence[int]

    def log_probabilities(self, logits: Any, written: Sequence[tuple[int, ...]]) -> Any:
        """Of `[rows, vocabulary]`; `written` is what each row has so far. Changes `logits`."""
        logits[:, [*self.never, self.first_time - 1]] = -inf
        for row, tokens in zip(logits, written, strict=True):
            self._forbid(row, tokens)
        log = torch.log_softmax(logits, dim=-1)
        times = log[:, self.first_time :].logsumexp(-1)
        rests = times > log[:, : self.first_time].amax(-1)  # a time is likelier than any one word
        logits[:, : self.first_time].masked_fill_(rests[:, None], -inf)
        return torch.log_softmax(logits, dim=-1)

    def _forbid(self, logits: Any, tokens: tuple[int, ...]) -> None:
        """Times come in pairs, the end of one and the start of the next, and do not go back."""
        if not tokens:
            logits[: self.first_time] = -inf
            logits[self.first_time + LATEST_START + 1 :] = -inf
            return
        ends = tokens[-1] >= self.first_time and len(tokens) > 1 and tokens[-2] < self.first_time
        soonest = max(tokens) + (not ends)  # nothing that is said takes no time
        logits[self.first_time : soonest] = -inf
        if ends:
            logits[: self.end] = -inf
        elif tokens[-1] >= self.first_time:
            logits[self.first_time :] = -inf


@dataclass(slots=True)
class _Beam:
    """The hypotheses of one piece."""

    width: int
    ended: list[Hypothesis] = field(default_factory=list)

    def choose(self, candidates: list[Candidate], last: bool) -> list[Candidate]:
        """Keep what has ended; gives those that are to go on. The candidates come best first."""
        self.ended += [each for each, _ in candidates[: self.width] if each.ended or last]
        if last or len(self.ended) >= self.width:
            return []
        return [each for each in candidates if not each[0].ended][: self.width]


def search(logits: Any, step: Step, rules: Rules, beam: int, most_tokens: int) -> list[Hypothesis]:
    """The best hypothesis of each piece; `logits` are those after the prompt, a row a piece.

    Raises ValueError where the logits are no numbers.
    """
    beams = [_Beam(beam) for _ in logits]
    alive = [Hypothesis(piece) for piece in range(len(beams))]
    for left in reversed(range(most_tokens)):
        log = rules.log_probabilities(logits, [each.tokens for each in alive])
        by_piece = groupby(_candidates(log, alive, beam, rules.end), lambda each: each[0].piece)
        chosen = [
            candidate
            for piece, candidates in by_piece
            for candidate in beams[piece].choose(list(candidates)[: 2 * beam], last=left == 0)
        ]
        if not chosen:
            break
        alive = [hypothesis for hypothesis, _ in chosen]
        logits = step([row for _, row in chosen], [each.tokens[-1] for each in alive])
    return [max(each.ended, key=lambda ended: ended.mean) for each in beams]


def _candidates(log: Any, alive: list[Hypothesis], beam: int, end: int) -> list[Candidate]:
    """Every hypothesis made longer by its likeliest tokens; piece by piece, best first.

    Twice as many as the beam is wide, so that enough are left where half of them end.
    """
    scores, tokens = log.topk(2 * beam)
    longer = [
        (_longer(hypothesis, token, score, end), row)
        for row, hypothesis in enumerate(alive)
        for token, score in zip(tokens[row].tolist(), scores[row].tolist(), strict=True)
        if score > -inf
    ]
    return sorted(longer, key=lambda each: (each[0].piece, -each[0].score))


def _longer(hypothesis: Hypothesis, token: int, score: float, end: int) -> Hypothesis:
    ended = token == end
    tokens = hypothesis.tokens if ended else (*hypothesis.tokens, token)
    return Hypothesis(hypothesis.piece, tokens, hypothesis.score + score, ended)
