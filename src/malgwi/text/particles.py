"""Korean particles: what may follow a noun without a space, and which of two forms fits it.

What is here is what follows nouns in radio traffic, meetings and calls; it is no grammar. Endings
that are also the end of many nouns by themselves (고, 면, 지) are left out on purpose.
"""

import re

_AFTER_CONSONANT = {
    "는": "은",
    "가": "이",
    "를": "을",
    "와": "과",
    "로": "으로",
    "랑": "이랑",
    "나": "이나",
    "예요": "이에요",
}
_AFTER_VOWEL = {consonant: vowel for vowel, consonant in _AFTER_CONSONANT.items()}

_STACKING = (
    "에서|에게서|에게|에|으로부터|로부터|으로서|로서|으로써|로써|으로|로|까지|부터|만|와|과|이랑|랑|"
    "하고|한테|께서|께|보다|처럼|마다|밖에|조차|마저|뿐|만큼|대로"
)
_ON_TOP = "은|는|이|가|을|를|의|도|만|까지|부터|요|입니다"
_CLOSING = (
    "은|는|이|가|을|를|의|도|이나|나|이라도|라도|이라고|라고|이라는|라는|이란|이며|이고|이면|이다|이야|"
    "이죠|이지|이니까|이라서|이에요|예요|인데|인가요|인지|이었습니다|였습니다|이었다|였다|입니다|입니까|요"
)

PARTICLES = f"(?:(?:{_STACKING})(?:{_ON_TOP})?|{_CLOSING})"
"""A pattern of what may follow a noun: one particle, or two where they stack (에서+는)."""

_FOLLOWING = re.compile(rf"{PARTICLES}(?!\w)")
_ALLOMORPH = re.compile("(으로|로)(?=부터|서|써|의|는|도|만|까지)|(과|와|이랑|랑)(?=는|도|의)")
_PARENTHESIS = re.compile(r"\s*\([^()]*\)$")
_RIEUL = 8  # the place of ㄹ among the final consonants of Unicode's syllables


def particle_at(text: str, place: int) -> str:
    """The particle that begins there and ends the word; empty where there is none."""
    match = _FOLLOWING.match(text, place)
    return match[0] if match else ""


def agree(particle: str, spoken: str, written: str) -> str:
    """The particle as it has to be after `written`, when it was said after `spoken`.

    It is touched only where the written form ends in another sound: 서울로, 부산으로. A form that
    does not end in Hangul is read aloud as it was spoken (케이티엑스, KTX): its particle stays.
    """
    final = _final(written)
    if final is None or final == _final(spoken):
        return particle
    match = _ALLOMORPH.match(particle)
    head = match[0] if match else particle
    return _fitting(head, final) + particle[len(head) :]


def _fitting(head: str, final: int) -> str:
    vowel_like = final == 0 or (final == _RIEUL and head in ("로", "으로"))
    return (_AFTER_VOWEL if vowel_like else _AFTER_CONSONANT).get(head, head)


def _final(text: str) -> int | None:
    """Which final consonant the last syllable has, 0 for none; None where it is not Hangul.

    What stands in parentheses at the end is not read aloud: 북문(North Gate)은.
    """
    last = _PARENTHESIS.sub("", text)[-1:]
    return (ord(last) - ord("가")) % 28 if "가" <= last <= "힣" else None
