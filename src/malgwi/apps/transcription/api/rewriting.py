"""What a glossary would make of transcripts that are kept: of the raw text, as it would have then.

Pure functions. What somebody has corrected is left alone: they have heard it, a rule has not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from malgwi import text
from malgwi.types import Transcript, Utterance

CORRECTION = "correction"
"""The rule that the change of a person bears."""


@dataclass(frozen=True, slots=True)
class Rewriting:
    """An utterance that would say something else."""

    before: Utterance
    after: Utterance
    """Its text and its changes; its words are still those of `before`."""


def rewritings(transcript: Transcript, glossary: text.Glossary) -> Iterator[Rewriting]:
    """In the order of the transcript."""
    rules = [text.nfc, glossary.rule(_labels(transcript))]
    for each in transcript.utterances:
        if corrected(each):
            continue
        bare = replace(each, text=each.raw_text, words=(), changes=())
        new = text.apply(rules, bare)
        if new.text != each.text:
            yield Rewriting(each, replace(each, text=new.text, changes=new.changes))


def corrected(utterance: Utterance) -> bool:
    return any(change.rule == CORRECTION for change in utterance.changes)


def _labels(transcript: Transcript) -> Sequence[str]:
    by_index = {each.index: each.label for each in transcript.channels}
    return [by_index.get(index, "") for index in range(max(by_index, default=-1) + 1)]
