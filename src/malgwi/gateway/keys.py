"""API keys: made once, kept as hashes, compared in constant time.

A key is 32 bytes of chance, so that a plain SHA-256 keeps it: there is no dictionary to try.
"""

import hmac
import logging
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from starlette.requests import HTTPConnection

from malgwi.errors import BadOption

PREFIX = "mg_"
_SHORTEST = 16  # characters of a key that somebody made up; a guessable one keeps nobody out
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_SCHEMES = ("bearer", "token")  # OpenAI's and Deepgram's

logger = logging.getLogger(__name__)


class Lock(Protocol):
    """Whom a door lets in. It is false where nobody needs a key."""

    def __bool__(self) -> bool: ...

    async def holder(self, asking: HTTPConnection) -> object | None:
        """Who asks, as far as the lock knows them; None where what they show opens nothing. Raises
        Refusal where it would open, and not for this request."""
        ...


SOMEBODY = "somebody"
"""Who has a key of which no more is known."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that open this door. None at all is false, and accepts everybody."""

    digests: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, plain: Iterable[str] = (), hashes: Iterable[str] = ()) -> "Keys":
        """`hashes` as `hash_of` writes them."""
        stored = [bytes.fromhex(each.removeprefix("sha256:")) for each in hashes]
        return cls((*map(_digest, plain), *stored))

    def __bool__(self) -> bool:
        return bool(self.digests)

    def accepts(self, presented: str) -> bool:
        """Takes as long for a wrong key as for a right one, whichever of them it is."""
        digest = _digest(presented)
        right = [hmac.compare_digest(digest, each) for each in self.digests]
        return not self.digests or any(right)

    async def holder(self, asking: HTTPConnection) -> object | None:
        return SOMEBODY if self.accepts(presented(asking.headers)) else None

    def proof(self, accepted: str, token: str) -> str:
        """That who has this token showed this key, to be kept. It tells nothing about the key to
        who has not the token."""
        return _proof(_digest(accepted), token)

    def proves(self, proof: str, token: str) -> bool:
        """Whether the key with which the proof was made is still one of these."""
        right = [hmac.compare_digest(_proof(each, token), proof) for each in self.digests]
        return any(right)


def new_key() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def hash_of(key: str) -> str:
    """As it stands in a key file."""
    return f"sha256:{_digest(key).hex()}"


def read_keys(file: Path | None, plain: str | None) -> Keys:
    """The keys of a key file, and those of a setting, several with commas between.

    Raises BadOption for a file that cannot be read or has a key where its hash should be.
    """
    given = [each for each in re.split(r"[\s,]+", plain or "") if each]
    for key in given:
        if len(key) < _SHORTEST:
            raise BadOption(
                f"A key of {len(key)} characters can be guessed; {_SHORTEST} are the least. "
                "Run: malgwi engine key"
            )
    return Keys.of(given, _hashes_in(file) if file else ())


def presented(headers: Mapping[str, str]) -> str:
    """The key that a client shows, in whichever of the ways its dialect has; "" for none."""
    scheme, _, key = headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() in _SCHEMES and key.strip():
        return key.strip()
    return headers.get("x-api-key", "").strip()


def _proof(digest: bytes, token: str) -> str:
    return hmac.new(token.encode(), digest, sha256).hexdigest()


def _digest(key: str) -> bytes:
    return sha256(key.encode("utf-8", "surrogateescape")).digest()


def _hashes_in(file: Path) -> list[str]:
    try:
        lines = file.read_text("utf-8").splitlines()
        exposed = file.stat().st_mode & 0o004
    except (OSError, UnicodeDecodeError) as error:
        raise BadOption(
            f"The key file {file} cannot be read. Check the path and its rights."
        ) from error
    if exposed:
        logger.warning(
            "everybody on this machine can read the key file; run: chmod o-r FILE",
            extra={"file": str(file)},
        )
    entries = ((number, line.partition("#")[0].split()) for number, line in enumerate(lines, 1))
    return [_hash_in(entry, f"{file}:{number}") for number, entry in entries if entry]


def _hash_in(entry: list[str], place: str) -> str:
    """Says nothing of what stands there: it may be a key."""
    if len(entry) == 2 and _HASH.fullmatch(entry[1]):
        return entry[1]
    raise BadOption(
        f"{place} is not `NAME sha256:HASH`. A key file has hashes and no keys; "
        "`malgwi engine key` prints a new key with its line. If a key stood there, make another."
    )
