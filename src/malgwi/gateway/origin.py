"""Whether one of our own pages asks. A browser says so, and shows its cookies to no other page."""

from collections.abc import Mapping
from urllib.parse import urlsplit


def is_own_page(headers: Mapping[str, str]) -> bool | None:
    """None where the request does not tell; a browser's tells whenever it changes anything.

    Browsers send `Sec-Fetch-Site` to who has a certificate, and to loopback; `Origin` to all.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    return None if origin is None else is_own_origin(origin, headers.get("host", ""))


def is_own_origin(origin: str, host: str) -> bool:
    """Whether the pages of the origin are those of the host that is asked."""
    try:
        place = urlsplit(origin).netloc
    except ValueError:
        return False
    return bool(place) and place.lower() == host.lower()
