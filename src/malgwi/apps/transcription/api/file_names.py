"""Names of files in headers, as RFC 6266 has them: readable in Korean, and nothing but a name."""

import re
import unicodedata
from urllib.parse import quote

_UNSAFE = re.compile(r'[/\\:*?"<>|;%]')  # on some system, or in a header
_LONGEST = 150  # bytes: a disk takes 255 in a name, and letters of Korean are three
_LONGEST_LABEL = 200


def disposition(kind: str, name: str) -> str:
    """`kind` is attachment or inline."""
    clean = safe(name)
    plain = re.sub(r"[^\x20-\x7e]", "_", clean)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(clean, safe='')}"


def bare(name: str) -> str:
    """What a client calls a file, as a label: no folder, nothing that cannot be seen."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return unicodedata.normalize("NFC", _seen(last)).strip()[:_LONGEST_LABEL]


def safe(name: str) -> str:
    """Without folders, controls and marks that turn the direction of writing."""
    clean = _UNSAFE.sub("_", unicodedata.normalize("NFC", _seen(name)))
    stem, dot, ending = clean.rpartition(".")
    stem, ending = (stem, ending[:10]) if dot else (ending, "")
    short = stem.encode("utf-8")[:_LONGEST].decode("utf-8", "ignore")
    return f"{short.strip('. ') or 'recording'}{dot}{ending}"


def _seen(name: str) -> str:
    return "".join(c for c in name if not unicodedata.category(c).startswith("C"))
