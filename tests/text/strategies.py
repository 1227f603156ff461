"""What hypothesis makes up: utterances of both languages, and what holds of every one."""

from itertools import accumulate, pairwise

from hypothesis import strategies as st

from malgwi.types import Span, Utterance, Word, written

ODD = ["\u200b", "\u3000", "\u00a0", "\ufeff", "\x07", "\t", "\u1112\u1161\u11ab", "e\u0301"]
KOREAN = [
    "북",
    "문",
    "북문",
    "북문에서",
    "서울",
    "서울로",
    "은",
    "살려",
    "네",
    "케이",
    "티",
    "엑스를",
]
ENGLISH = [
    "north",
    "North",
    "gate",
    "Gate,",
    "tower",
    "towers",
    "mayday",
    "go",
    "control",
    "K",
    "T",
]

pieces = st.sampled_from([*KOREAN, *ENGLISH, *ODD, "(", ")", "12", "-"])
spoken_words = st.builds(
    lambda space, parts: space + "".join(parts),
    st.sampled_from([" ", " ", " ", "", "  "]),
    st.lists(pieces, min_size=1, max_size=3),
)


@st.composite
def utterances(draw: st.DrawFn) -> Utterance:
    texts = draw(st.lists(spoken_words, max_size=8))
    gaps = draw(st.lists(st.floats(0, 2), min_size=2 * len(texts), max_size=2 * len(texts)))
    times = list(accumulate(gaps, initial=draw(st.floats(0, 7000))))
    sure = st.none() | st.floats(0, 1)
    words = tuple(
        Word(text, Span(times[2 * place], times[2 * place + 1]), draw(sure))
        for place, text in enumerate(texts)
    )
    text = written(words)
    language = draw(st.sampled_from(["ko", "en"]))
    span = Span(times[0], times[-1])
    return Utterance(
        "00-0000",
        draw(st.integers(0, 2)),
        span,
        text,
        text,
        words,
        language,
        confidence=draw(sure),
        no_speech=draw(sure),
    )


def replayed(utterance: Utterance) -> str:
    """What the raw text becomes when the changes are made again."""
    text = utterance.raw_text
    for change in utterance.changes:
        assert text[change.start : change.end] == change.before
        text = change.apply(text)
    return text


def assert_sound(before: Utterance, after: Utterance) -> None:
    """What every rule promises."""
    assert replayed(after) == after.text
    assert written(after.words) == after.text
    assert after.raw_text == before.raw_text
    assert after.span == before.span
    for one, next_one in pairwise(after.words):
        assert one.span.end <= next_one.span.start
    for word in after.words:
        assert before.words[0].span.start <= word.span.start <= word.span.end
        assert word.span.end <= before.words[-1].span.end
