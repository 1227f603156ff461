"""Passwords, as argon2id keeps them: with the parameters that its library recommends today.

Nobody can tell by the time whether there is a hash to compare with. Each computation takes 64 MiB,
so that only a few are done at once; who waits too long hears Overloaded.
"""

import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from malgwi.errors import BadOption, Overloaded
from malgwi.store.columns import keepable

SHORTEST, LONGEST = 8, 1024
"""Characters."""
_PATIENCE = 5  # seconds

_hasher = PasswordHasher()
_turns = BoundedSemaphore(2)


def hashed(password: str) -> str:
    """Raises BadInput for one that is too short or too long, or no text."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadOption(
            f"The password has {len(password)} characters; it needs {SHORTEST} to {LONGEST}."
        )
    with _turn():
        return _hasher.hash(_same(password))


def matches(kept: str | None, password: str) -> bool:
    """Takes as long where nothing is kept."""
    nobodys = _nobodys()
    with _turn():
        try:
            _hasher.verify(nobodys if kept is None else kept, _same(password))
        except (VerificationError, InvalidHashError):
            return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Whether it should be hashed anew, with the parameters of today."""
    return _hasher.check_needs_rehash(kept)


@cache
def _nobodys() -> str:
    with _turn():
        return _hasher.hash(secrets.token_urlsafe(32))


@contextmanager
def _turn() -> Iterator[None]:
    if not _turns.acquire(timeout=_PATIENCE):
        raise Overloaded("Too many sign in at the same time. Try again soon.", _PATIENCE)
    try:
        yield
    finally:
        _turns.release()


def _same(password: str) -> str:
    """Hangul is written in two ways that look the same, by one keyboard or another."""
    return unicodedata.normalize("NFC", keepable(password))
