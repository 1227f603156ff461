"""How long the text rules take: 1,000 entries over 10,000 utterances of 12 words, half Korean.

.venv/bin/python benchmarks/text_rules.py
"""

import random
from collections.abc import Callable, Iterable
from time import perf_counter

from malgwi.text import Entry, Glossary, Rule, nfc, suppression
from malgwi.types import Span, Utterance, Word

ENTRIES, UTTERANCES, WORDS = 1_000, 10_000, 12

RANDOM = random.Random(1)
SYLLABLES = [chr(RANDOM.randrange(ord("가"), ord("힣"))) for _ in range(300)]


def korean() -> str:
    return "".join(RANDOM.choices(SYLLABLES, k=RANDOM.randint(2, 4)))


def english() -> str:
    return "".join(RANDOM.choices("abcdefghijklmnoprstuvw", k=RANDOM.randint(3, 8)))


def entry(number: int) -> Entry:
    word: Callable[[], str] = RANDOM.choice([korean, english])
    spoken = (word(), f"{word()} {word()}", f"{word()} {word()}")
    return Entry(f"e{number}", f"{word()}{number}", spoken)


def utterance(entries: tuple[Entry, ...]) -> Utterance:
    """Every second one has a term of the glossary in it."""
    texts = [RANDOM.choice([korean, english])() for _ in range(WORDS)]
    if RANDOM.random() < 0.5:
        texts[3] = RANDOM.choice(RANDOM.choice(entries).spoken)
    text = " ".join(texts)
    words = tuple(
        Word(f" {each}", Span(place, place + 0.8)) for place, each in enumerate(text.split())
    )
    return Utterance("00-0000", 0, Span(0, len(words)), text, text, words, "ko")


def seconds(rule: Rule, utterances: Iterable[Utterance]) -> float:
    began = perf_counter()
    for each in utterances:
        rule(each)
    return perf_counter() - began


def main() -> None:
    entries = tuple(map(entry, range(ENTRIES)))
    utterances = [utterance(entries) for _ in range(UTTERANCES)]
    glossary = Glossary(entries).rule()
    print(
        f"glossary, first utterance (makes the pattern): {seconds(glossary, utterances[:1]):.2f} s"
    )
    print(f"glossary: {seconds(glossary, utterances):.2f} s")
    print(f"nfc: {seconds(nfc, utterances):.2f} s")
    print(f"suppression: {seconds(suppression(), utterances):.2f} s")


if __name__ == "__main__":
    main()
