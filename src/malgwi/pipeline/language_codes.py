"""What people write for a language, and the ISO 639-1 code that it stands for.

Only the code itself is taken. Everything else is refused with a guess at what was meant, for a
recording in the wrong language is hours of nonsense.
"""

import re
from collections.abc import Collection
from difflib import get_close_matches

from malgwi.errors import BadOption

FEW = 5  # languages, that can be listed in a sentence
ALSO_CALLED = {
    "ar": ("ara", "arabic", "عربي"),
    "bn": ("ben", "bengali"),
    "cs": ("ces", "cze", "cz", "czech"),
    "da": ("dan", "dk", "danish"),
    "de": ("deu", "ger", "german", "deutsch"),
    "el": ("ell", "gre", "gr", "greek"),
    "en": ("eng", "english", "영어"),
    "es": ("spa", "spanish", "español", "castellano"),
    "fa": ("fas", "per", "persian", "farsi"),
    "fi": ("fin", "finnish"),
    "fr": ("fra", "fre", "french", "français"),
    "he": ("heb", "iw", "hebrew"),
    "hi": ("hin", "hindi"),
    "hu": ("hun", "hungarian"),
    "id": ("ind", "in", "indonesian"),
    "it": ("ita", "italian", "italiano"),
    "ja": ("jpn", "jp", "japanese", "日本語", "일본어"),
    "ko": ("kor", "kr", "korean", "hangul", "한국어", "한국말", "조선말"),
    "mn": ("mon", "mongolian"),
    "ms": ("msa", "may", "malay"),
    "nl": ("nld", "dut", "dutch", "nederlands"),
    "no": ("nor", "nb", "nob", "norwegian"),
    "pl": ("pol", "polish", "polski"),
    "pt": ("por", "br", "portuguese", "português"),
    "ru": ("rus", "russian", "русский"),
    "sv": ("swe", "se", "swedish"),
    "th": ("tha", "thai"),
    "tl": ("tgl", "fil", "tagalog", "filipino"),
    "tr": ("tur", "turkish"),
    "uk": ("ukr", "ua", "ukrainian"),
    "ur": ("urd", "urdu"),
    "vi": ("vie", "vn", "vietnamese"),
    "zh": ("zho", "chi", "cmn", "cn", "chinese", "mandarin", "中文", "중국어"),
}


def language_code(given: str, known: Collection[str], engine: str) -> str:
    """`given`, in lower case, if `engine` knows it. Raises BadOption, with what may be meant."""
    code = given.strip().lower()
    if code in known:
        return code
    meant = _meant(code, known)
    if meant:
        hint = f"Did you mean {meant}?"
    elif len(known) <= FEW:
        hint = f"It knows {', '.join(sorted(known))}."
    else:
        hint = "Give an ISO 639-1 code, as ko or en."
    raise BadOption(f"{engine} knows no language {given!r}. {hint}")


def _meant(code: str, known: Collection[str]) -> str | None:
    """The known language that `ko-KR`, `kor`, `korean` or `koraen` stands for, if any."""
    names = {name: each for each in known for name in (each, *ALSO_CALLED.get(each, ()))}
    language = re.split(r"[-_.]", code)[0]
    if language in names:
        return names[language]
    long = [name for name in names if len(name) > 3]
    near = get_close_matches(language, long, n=1, cutoff=0.7)
    return names[near[0]] if near else None
