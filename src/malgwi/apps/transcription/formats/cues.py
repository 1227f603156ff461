"""Utterances cut into subtitles: at most two lines, 42 columns each, seven seconds.

A Hangul syllable, a kanji or a kana is two columns wide, so a line holds 21 of them. Where an
utterance is too long for one cue it is cut at the times of its words, at the end of a sentence
or at a pause if one is near. Cues of one utterance never overlap; those of different channels
do where people talked at once.
"""

from collections.abc import Iterator
from typing import NamedTuple

from rich.cells import cell_len

from malgwi.apps.transcription.formats.shown import Line, one_line, shown
from malgwi.types import Transcript, Utterance, Word

COLUMNS = 42
LONGEST = 7.0  # seconds
LABEL_COLUMNS = 20  # of the name in front; what is longer leaves too little for the words
PAUSE = 0.3  # seconds between words at which a cut is welcome
SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！")
CLAUSE_ENDS = (",", ";", ":", "、", "，")


class Cue(NamedTuple):
    """What stands on the screen together; times are whole milliseconds, in seconds."""

    start: float
    end: float
    channel: int
    who: str
    lines: tuple[str, ...]


class Atom(NamedTuple):
    """What no cut goes through: a word and the punctuation that clings to it."""

    text: str
    start: float
    end: float
    spaced: bool
    """Whether a space parts it from the one before."""


def cues(transcript: Transcript, labelled: bool) -> list[Cue]:
    """All cues, sorted by start. `labelled` puts the name into the first line of each."""
    found = [cue for line in shown(transcript) for cue in _cues_of(line, labelled)]
    return sorted(found, key=lambda cue: (cue.start, cue.channel, cue.end))


def _cues_of(line: Line, labelled: bool) -> Iterator[Cue]:
    who, utterance = line
    label = f"{_clipped(one_line(who))}: " if labelled else ""
    free_from = round(utterance.span.start, 3)
    for piece in _cut(atoms(utterance), cell_len(label)):
        start = max(free_from, min(round(piece[0].start, 3), round(utterance.span.end, 3)))
        end = min(piece[-1].end, utterance.span.end, start + LONGEST)
        free_from = max(round(end, 3), round(start + 0.001, 3))
        yield Cue(start, free_from, utterance.channel, who, _lines(label, piece))


def _clipped(label: str) -> str:
    while cell_len(label) > LABEL_COLUMNS:
        label = label.removesuffix("…")[:-1] + "…"
    return label


def atoms(utterance: Utterance) -> list[Atom]:
    """The text in its smallest parts, with times; a word with a space in it is several."""
    found: list[Atom] = []
    for word in utterance.words or (Word(utterance.text, utterance.span),):
        for atom in _split(word):
            if found and not atom.spaced and not _may_break(found[-1].text, atom.text):
                last = found.pop()
                found.append(Atom(last.text + atom.text, last.start, atom.end, last.spaced))
            else:
                found.append(atom)
    return [part for atom in found for part in _narrow(atom)]


def _split(word: Word) -> Iterator[Atom]:
    """The parts of a word between its spaces; they share its time by their length."""
    parts = word.text.split()
    spaced = word.text[:1].isspace()
    times = _shares(parts, word.span.start, word.span.end)
    for part, (start, end) in zip(parts, times, strict=True):
        yield Atom(part, start, end, spaced)
        spaced = True


def _shares(parts: list[str], start: float, end: float) -> Iterator[tuple[float, float]]:
    whole, done = sum(map(len, parts)), 0
    for part in parts:
        begin, done = done, done + len(part)
        yield start + (end - start) * begin / whole, start + (end - start) * done / whole


def _may_break(before: str, after: str) -> bool:
    """Between kana or kanji a line may break without a space; within a Korean word it may not."""
    return all(
        "\u3040" <= character <= "\u9fff" and character.isalnum()
        for character in (before[-1], after[0])
    )


def _narrow(atom: Atom) -> Iterator[Atom]:
    """An atom that is wider than a line, cut so that its parts are not."""
    parts = [""]
    for character in atom.text:
        if cell_len(parts[-1] + character) > COLUMNS:
            parts.append("")
        parts[-1] += character
    spaced = atom.spaced
    for part, (start, end) in zip(parts, _shares(parts, atom.start, atom.end), strict=True):
        yield Atom(part, start, end, spaced)
        spaced = False


def _cut(rest: list[Atom], indent: int) -> Iterator[list[Atom]]:
    while rest:
        size = _size_of_next(rest, indent)
        yield rest[:size]
        rest = rest[size:]


def _size_of_next(rest: list[Atom], indent: int) -> int:
    """How many atoms the next cue takes: all if they fit, else up to the best place for a cut."""
    most = _most(rest, indent)
    if most == len(rest):
        return most
    wanted = len(rest) / -(-len(rest) // most)  # cues of like length, no last word left alone

    def worth(size: int) -> float:
        return _welcome(rest[size - 1], rest[size]) - abs(size - wanted) / most

    return max(range(1, most + 1), key=worth)


def _most(rest: list[Atom], indent: int) -> int:
    """How many atoms there is room for in two lines and seven seconds; at least one."""
    line, used = 1, indent
    for number, atom in enumerate(rest):
        width = cell_len(atom.text)
        used += width + (atom.spaced and number > 0)
        if used > COLUMNS:
            line, used = line + 1, width
        if number and (line > 2 or atom.end - rest[0].start > LONGEST):
            return number
    return len(rest)


def _welcome(before: Atom, after: Atom) -> float:
    """How good a place for a cut is the gap between these two, 0 to 1."""
    ending = before.text.rstrip("\"')]”’」』")
    if ending.endswith(SENTENCE_ENDS):
        return 0.7
    paused = 0.3 if after.start - before.end >= PAUSE else 0.0
    return paused + (0.3 if ending.endswith(CLAUSE_ENDS) else 0.0)


def _lines(label: str, piece: list[Atom]) -> tuple[str, ...]:
    """One line where that is enough, else two of nearly the same width."""
    whole = label + _joined(piece)
    if cell_len(whole) <= COLUMNS:
        return (whole,)
    if len(piece) == 1:
        return (label.strip(), piece[0].text)
    pairs = [(label + _joined(piece[:at]), _joined(piece[at:])) for at in range(1, len(piece))]
    return min(pairs, key=lambda pair: max(map(cell_len, pair)))


def _joined(piece: list[Atom]) -> str:
    rest = (f" {each.text}" if each.spaced else each.text for each in piece[1:])
    return piece[0].text + "".join(rest)
