"""Media that another node keeps, fetched from its API by their sum.

What has come stays when the connection breaks: it is asked for from there on. Nothing counts
before its sum is right. The key goes to the address that was named and nowhere else: redirects are
not followed, and no proxy is asked.
"""

import http.client
import logging
import os
import random
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from io import FileIO
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

from malgwi.errors import BadOption, Cancelled, NetworkError, NotFound, StoreError
from malgwi.store.base import Media

CONNECT = 5.0
"""Seconds within which the other node has to take a connection."""
SILENCE = 8.0
"""Seconds without a byte: less than a job has to stop in when it is told to."""
ATTEMPTS = 5
"""In a row that bring nothing; then the job fails, and another attempt at it begins there."""
_FIRST_WAIT, _LONGEST_WAIT = 0.25, 8.0  # seconds
_BLOCK = 256 * 1024
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_EXAMPLE = "An example: https://10.0.0.1"

logger = logging.getLogger(__name__)


class _Broken(Exception):
    """It may go on at the next attempt; the message says what was wrong."""


class MediaSource:
    """The API of the node that keeps the media."""

    def __init__(self, address: str, key: str = "", ca_file: Path | None = None) -> None:
        """Raises BadOption for what is no address, no key or no certificate."""
        self._host, self._port, self._base, secure = _parsed(address)
        self._tls = _trusting(ca_file) if secure else None
        if not key.isascii() or any(letter.isspace() for letter in key):
            raise BadOption(
                "What MALGWI_STORE__MEDIA_KEY_FILE names holds no key: it is one word of ASCII."
            )
        self._key = key
        host = f"[{self._host}]" if ":" in self._host else self._host
        self.shown = f"{'https' if secure else 'http'}://{host}:{self._port}{self._base}"
        """The address, as anybody may read it."""

    def fetch(self, media: Media, file: FileIO, stop: Event) -> None:
        """All of it, behind what an attempt before has left in `file`.

        Raises NetworkError, NotFound, StoreError where it is not what its sum says, OSError where
        it cannot be written, and Cancelled once `stop` is set. What has come is in `file` then.
        """
        left = os.fstat(file.fileno()).st_size
        is_whole = self._fills(media, file, stop)
        if not is_whole and left:  # by a power cut, which may leave anything
            file.truncate(0)
            is_whole = self._fills(media, file, stop)
        if not is_whole:
            raise StoreError(
                f"What {self.shown} sent for the media {media.sha256} is not what their sum says; "
                "nothing of it was kept. Run `malgwi doctor` there: is its disk sound?"
            )
        os.fsync(file.fileno())

    def _fills(self, media: Media, file: FileIO, stop: Event) -> bool:
        """Whether what is in the file then is what the sum says."""
        file.seek(0)
        digest, have = sha256(), 0
        while block := file.read(_BLOCK):
            digest.update(block)
            have += len(block)
        failures = 0
        while have < media.size:
            before = have
            try:
                for block in self._blocks(media.sha256, have, media.size):
                    if stop.is_set():
                        raise Cancelled("The job is to stop.")
                    digest.update(block)
                    _write(file, block)
                    have += len(block)
            except _Broken as error:
                failures = 0 if have > before else failures + 1
                if failures == ATTEMPTS:
                    raise NetworkError(self._unreachable(error)) from error
                logger.info(
                    "media are asked for again",
                    extra={"from": self.shown, "bytes": have, "of": media.size},
                )
                if stop.wait(_wait(failures)):
                    raise Cancelled("The job is to stop.") from error
        return have == media.size and digest.hexdigest() == media.sha256

    def check(self, digest: str | None) -> None:
        """Whether that could be fetched now; without a sum, whether we would be told that there is
        no such. Raises NetworkError, NotFound."""
        try:
            with self._answer(digest or "0" * 64, 0, 1) as answer:
                answer.read1(1)
        except _Broken as error:
            raise NetworkError(self._unreachable(error, 1)) from error
        except NotFound:
            if digest:
                raise

    def _blocks(self, digest: str, start: int, size: int) -> Iterator[bytes]:
        """What comes from `start` on, until the end or the first fault."""
        with self._answer(digest, start) as answer:
            left = size - start
            while left:
                block = answer.read1(min(_BLOCK, left))
                if not block:
                    raise _Broken("it hung up in the middle")
                left -= len(block)
                yield block

    @contextmanager
    def _answer(
        self, digest: str, start: int, count: int | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """A good one, with `count` bytes or all from `start` on. Raises _Broken, in the block as
        well."""
        connection = self._connection()
        try:
            connection.connect()
            assert connection.sock is not None
            connection.sock.settimeout(SILENCE)
            connection.request(
                "GET", f"{self._base}/v1/media/{digest}", headers=self._said(start, count)
            )
            answer = connection.getresponse()
            self._check(answer, digest, start)
            yield answer
        except ssl.SSLCertVerificationError as error:
            raise NetworkError(
                f"The certificate of {self.shown} is not trusted: {error.verify_message}. Name "
                "that of its authority in MALGWI_STORE__MEDIA_CA_FILE."
            ) from error
        except TimeoutError as error:
            raise _Broken("it did not answer in time") from error
        except (OSError, http.client.HTTPException) as error:
            said = error.strerror if isinstance(error, OSError) else None
            raise _Broken((said or type(error).__name__).lower()) from error
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=CONNECT)
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=CONNECT, context=self._tls
        )

    def _said(self, start: int, count: int | None) -> dict[str, str]:
        headers = {"User-Agent": "malgwi", "Accept-Encoding": "identity"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        if start or count:
            headers["Range"] = f"bytes={start}-{start + count - 1 if count else ''}"
        return headers

    def _check(self, answer: http.client.HTTPResponse, digest: str, start: int) -> None:
        status = answer.status
        if status in _PASSING:
            raise _Broken(f"it answered {status}")
        if status in (401, 403):
            raise NetworkError(
                f"{self.shown} gives us no media: it does not know our key. Put the same key into "
                "MALGWI_SERVE__MEDIA_KEY_FILE there and MALGWI_STORE__MEDIA_KEY_FILE here."
            )
        if status == 404:
            raise NotFound(
                f"{self.shown} has no media {digest}. Is it the node that keeps them? Then they "
                "were deleted, or are lost: restore a backup."
            )
        if 300 <= status < 400:
            raise NetworkError(
                f"{self.shown} sends on to another address, which is not followed. Name that of "
                "the API itself in MALGWI_STORE__MEDIA_URL."
            )
        came = (answer.getheader("Content-Range") or "").lower()
        if not (
            (status == 200 and not start) or (status == 206 and came.startswith(f"bytes {start}-"))
        ):
            raise NetworkError(
                f"What answers at {self.shown} does not speak as Malgwi does. Is "
                "MALGWI_STORE__MEDIA_URL the address of `malgwi serve`?"
            )

    def _unreachable(self, error: _Broken, attempts: int = ATTEMPTS) -> str:
        return (
            f"The media that {self.shown} keeps cannot be fetched: {error} ({attempts} attempts). "
            "Is the API running there, and may this node reach it? MALGWI_STORE__MEDIA_URL names "
            "the address."
        )


def _write(file: FileIO, block: bytes) -> None:
    left = memoryview(block)
    while left:
        left = left[file.write(left) :]


def _parsed(address: str) -> tuple[str, int, str, bool]:
    """Host, port, what stands before all paths, and whether it is https."""
    said = "MALGWI_STORE__MEDIA_URL has to be the address of the API that keeps the media. "
    try:
        parts = urlsplit(address.strip())
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadOption(said + _EXAMPLE) from error
    known = parts.scheme in ("http", "https")
    if not known or not host or parts.query or parts.fragment or not parts.path.isascii():
        raise BadOption(said + _EXAMPLE)
    if parts.username is not None:
        raise BadOption(said + "A key stands in MALGWI_STORE__MEDIA_KEY_FILE, and not in it.")
    if any(letter.isspace() or not letter.isprintable() for letter in address.strip()):
        raise BadOption(said + _EXAMPLE)
    secure = parts.scheme == "https"
    return host, port or (443 if secure else 80), parts.path.rstrip("/"), secure


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file and ca_file.expanduser())
    except (OSError, RuntimeError) as error:  # an SSLError is an OSError
        raise BadOption(
            f"MALGWI_STORE__MEDIA_CA_FILE names {ca_file}, which is no certificate that can be "
            "read. It has to be PEM."
        ) from error


def _wait(failures: int) -> float:
    """Seconds; half of it left to chance, so that workers do not march in step."""
    return float(min(_LONGEST_WAIT, _FIRST_WAIT * 2**failures) * random.uniform(0.5, 1.0))
