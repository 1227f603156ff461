"""Names and terms as they are written: a normaliser of what was recognised.

Why a rule after recognition and not a prompt before it: docs/why/text.md. How a file of entries is
read: `glossary_file`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from malgwi.text.particles import PARTICLES, agree, particle_at
from malgwi.text.rules import Rule, rewrite
from malgwi.types import Change, Utterance

Match = Literal["word", "morpheme"]

_HANGUL = "[\u1100-\u11ff\u3130-\u318f가-힣]"
_BESIDE_HANGUL = re.compile(rf"(?<={_HANGUL})\s+|\s+(?={_HANGUL})")
_MAYBE_SPACE = "\0"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is said in one of the ways of `spoken`, and written in one way."""

    id: str
    written: str
    spoken: tuple[str, ...]
    match: Match | None = None
    """`word`: the whole word. `morpheme`: particles may follow, and are kept. None: `morpheme`
    for what is spoken in Hangul, `word` for the rest."""
    channels: frozenset[str] = frozenset()
    """Labels, or else indices from 0; empty for all channels."""
    languages: frozenset[str] = frozenset()
    """ISO 639-1 codes; empty for all languages."""
    case_sensitive: bool = False

    def applies(self, channel: int, labels: Sequence[str], language: str) -> bool:
        return (not self.languages or language in self.languages) and (
            not self.channels or _name(channel, self.channels, labels) in self.channels
        )

    def matches_as(self, spoken: str) -> Match:
        """How this spoken form is matched."""
        return self.match or ("morpheme" if re.search(_HANGUL, spoken) else "word")


@dataclass(frozen=True, slots=True)
class Glossary:
    """Entries, in the order of their file."""

    entries: tuple[Entry, ...]

    def rule(self, labels: Sequence[str] = ()) -> Rule:
        """The rule that writes what the entries say, for channels of these labels.

        Goes from left to right and takes the longest spoken form; what it has written it does
        not look at again, and what is written as an entry says is left alone. It wants text
        after `nfc`. Changes are recorded as `glossary:` and the entry's id.
        """
        matcher = cache(_Matcher)

        @cache
        def matcher_of(channel: int, language: str) -> _Matcher:
            apply = (each for each in self.entries if each.applies(channel, labels, language))
            return matcher(tuple(apply))

        def glossary(utterance: Utterance) -> Utterance:
            here = matcher_of(utterance.channel, utterance.language)
            return rewrite(utterance, list(here.changes(utterance.text)))

        return glossary


def same_spoken(form: str) -> str:
    """The same for all spellings of a spoken form that match the same text, but for case.

    Recognisers make up the spaces of Korean, so those beside Hangul are left out.
    """
    return re.sub(r"\s+", " ", _BESIDE_HANGUL.sub("", form))


def _name(channel: int, wanted: frozenset[str], labels: Sequence[str]) -> str | None:
    """What `wanted` may call the channel: its label, or its index if no channel is called so."""
    label = labels[channel] if channel < len(labels) else None
    return label if label in wanted or str(channel) in labels else str(channel)


@dataclass(frozen=True, slots=True)
class _Form:
    """One way in which an entry's term may stand in a text."""

    text: str
    match: Match
    case_sensitive: bool
    order: int
    """1 for written forms: they are left alone where no spoken form is as long."""


class _Matcher:
    """All forms of some entries as one pattern, and the entry of each form."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._exact: dict[str, Entry] = {}
        self._folded: dict[str, Entry] = {}
        forms = [form for entry in entries for form in self._forms(entry)]
        self._pattern = _pattern(forms)

    def _forms(self, entry: Entry) -> Iterator[_Form]:
        for spoken in entry.spoken:
            self._keep(spoken, entry)
            yield _Form(spoken, entry.matches_as(spoken), entry.case_sensitive, 0)
        yield _Form(entry.written, "morpheme", True, 1)

    def _keep(self, spoken: str, entry: Entry) -> None:
        key = same_spoken(spoken)
        if entry.case_sensitive:
            self._exact.setdefault(key, entry)
        else:
            self._folded.setdefault(key.casefold(), entry)

    def _entry(self, found: str) -> Entry | None:
        key = same_spoken(found)
        return self._exact.get(key) or self._folded.get(key.casefold())

    def changes(self, text: str) -> Iterator[Change]:
        done = 0
        for match in self._pattern.finditer(text):
            entry = self._entry(match[0])
            if entry is None or match.start() < done:
                continue
            change = _change(entry, text, match)
            if change.before != change.after:
                done = change.end
                yield change


def _change(entry: Entry, text: str, match: re.Match[str]) -> Change:
    """The particle is a part of the change only where it becomes another."""
    start, end = match.span()
    after = entry.written
    particle = particle_at(text, end)
    agreed = agree(particle, match[0], entry.written)
    if agreed != particle:
        end += len(particle)
        after += agreed
    return Change(f"glossary:{entry.id}", start, end, text[start:end], after)


def _pattern(forms: Iterable[_Form]) -> re.Pattern[str]:
    """One alternation, in groups by first character, the longest form of each first.

    The groups make it fast with thousands of forms: few alternatives are tried at a place.
    """
    groups: defaultdict[str, list[_Form]] = defaultdict(list)
    for form in forms:
        groups[form.text[0].casefold()].append(form)
    alternatives = "|".join(_group(group) for group in groups.values())
    return re.compile(rf"(?<!\w)(?:{alternatives or '(?!)'})(?=(?:{PARTICLES})?(?!\w))")


def _group(forms: list[_Form]) -> str:
    """The first character of all of them, then what follows it in each, the longest first."""
    forms.sort(key=lambda form: (-len(same_spoken(form.text)), form.order))
    head = _one_of({each for form in forms for each in _cases(form.text[0])})
    return f"{head}(?:{'|'.join(dict.fromkeys(_tail(form, head) for form in forms))})"


def _tail(form: _Form, head: str) -> str:
    first, *rest = (_atom(each, form.case_sensitive) for each in _atoms(form.text))
    this_head = "" if first == head else f"(?<={first})"
    whole = r"(?!\w)" if form.match == "word" else ""
    return this_head + "".join(rest) + whole


def _atoms(text: str) -> list[str]:
    """Its characters, a run of spaces being one; NUL for spaces that may be missing."""
    return [*re.sub(r"\s+", " ", _BESIDE_HANGUL.sub(_MAYBE_SPACE, text))]


def _atom(character: str, case_sensitive: bool) -> str:
    if character == _MAYBE_SPACE:
        return r"\s*"
    if character.isspace():
        return r"\s+"
    return re.escape(character) if case_sensitive else _one_of(_cases(character))


def _cases(character: str) -> set[str]:
    variants = {character, character.lower(), character.upper()}
    return {each for each in variants if len(each) == 1}


def _one_of(characters: set[str]) -> str:
    alternatives = "".join(map(re.escape, sorted(characters)))
    return alternatives if len(characters) == 1 else f"[{alternatives}]"
