"""A speech engine behind HTTP: pieces go there as WAV, answers come back as JSON.

What every such engine needs and no dialect of theirs: a pool of connections, so many requests at
a time, another attempt where that may help, and errors in our words. No message has anything of a
request or of an answer in it but the bare codes of an error, for the rest may be what was said.
"""

import io
import ipaddress
import json
import logging
import os
import random
import re
import ssl
import time
import wave
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import numpy as np

from malgwi.errors import BadOption, EngineFailed, EngineGone
from malgwi.types import SAMPLE_RATE, Samples

logger = logging.getLogger(__name__)

KEY_VARIABLE = "STT_API_KEY"
CONNECT = 5.0
"""Seconds within which a server has to take a connection."""
IDLE = 4.0
"""Seconds that a connection is kept; whisper.cpp's server hangs up after five."""
LEAST = 1.0
"""Seconds of sound sent at least, with silence behind: OpenAI and whisper.cpp refuse a tenth."""
BUSY, PASSING = 429, frozenset({429, 502, 503, 504})
HOST_OF_CONTAINER = "host.docker.internal"
_CODE = re.compile(r"[\w.-]{1,64}")

Fields = Mapping[str, str | list[str]]
T = TypeVar("T")
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is sent, and how long is waited before the next time."""

    attempts: int = 4
    first_wait: float = 0.5
    """Seconds, doubled each time; half of it is left to chance, so that clients do not march in
    step."""
    longest_wait: float = 30.0
    """Seconds; a server may ask for more, and does not get it."""

    def wait(self, attempt: int, asked: float | None) -> float:
        """Seconds after the failed `attempt`, which counts from 1."""
        grown = self.first_wait * float(2 ** (attempt - 1)) * random.uniform(0.5, 1.0)
        return min(self.longest_wait, max(grown, asked or 0.0))


class Refused(EngineFailed):
    """The server answered that it will not do this; other requests may be fine."""

    def __init__(self, message: str, status: int, codes: Sequence[str], about: str) -> None:
        super().__init__(message)
        self.status = status
        self.codes = tuple(codes)
        self._about = about  # may quote the request, and is not shown

    def names(self, *words: str) -> bool:
        """Whether the server's own explanation has one of these words in it."""
        return any(word in self._about for word in words)


class Server:
    """An HTTP server with a speech engine. Any number of threads may use it at a time.

    `timeout` is in seconds without a sign of life. Redirects are not followed: a request with
    sound and a key in it goes where it was told to and nowhere else.
    """

    def __init__(  # noqa: PLR0913  (by keyword, and each stands for itself)
        self,
        endpoint: str,
        *,
        parallel: int,
        timeout: float,
        api_key: str = "",
        ca_file: Path | None = None,
        patience: Patience | None = None,
    ) -> None:
        """`ca_file` has the certificates (PEM) of those whose word counts, for https. Raises
        BadOption for an endpoint that is no address, or numbers that make no sense."""
        if parallel < 1 or timeout <= 0:
            raise BadOption("An engine behind HTTP needs parallel >= 1 and a timeout above 0 s.")
        self._base = base_address(endpoint)
        self.shown = shown(self._base)
        self._patience = patience or Patience()
        self._threads = ThreadPoolExecutor(parallel, "engine-http")
        self._http = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=min(CONNECT, timeout), pool=None),
            limits=httpx.Limits(max_connections=parallel + 1, keepalive_expiry=IDLE),
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            trust_env=not is_local(self._base.host),  # a proxy cannot reach what is in here
            verify=_trusting(ca_file) if ca_file else True,
            follow_redirects=False,
        )
        weakref.finalize(self, _close, self._http, self._threads)  # engines are never closed

    def each(self, ask: Callable[[T], A], items: Iterable[T]) -> list[A]:
        """`ask` for each, as many at a time as the server takes; the first failure ends it."""
        futures = [self._threads.submit(ask, item) for item in items]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()

    def get(self, path: str) -> httpx.Response:
        """What is at `path`, whatever its status. Raises EngineGone."""
        return self._sent("GET", path, {}, None)

    def ask(self, path: str, samples: Samples, fields: Fields) -> dict[str, Any]:
        """What the server heard in `samples`.

        Raises Refused where it will not, EngineGone where it cannot now, EngineFailed else.
        """
        response = self._sent("POST", path, fields, wav(samples))
        if not response.is_success:
            raise self._failure(response)
        try:
            answer = response.json()
        except ValueError as error:
            raise self.nonsense() from error
        if not isinstance(answer, dict):
            raise self.nonsense()
        return answer

    def nonsense(self) -> EngineFailed:
        """The error for an answer that cannot be understood."""
        return EngineFailed(
            f"The engine at {self.shown} gave an answer that is not what it should be. "
            "Is it a server for speech to text, and this its address?"
        )

    def _sent(self, method: str, path: str, fields: Fields, sound: bytes | None) -> httpx.Response:
        """The answer, after as many attempts as it took."""
        attempt = 1
        while True:
            last = attempt == self._patience.attempts
            try:
                response = self._http.request(
                    method,
                    self._base.join(self._base.path.rstrip("/") + path),
                    data=dict(fields),
                    files={"file": ("piece.wav", sound, "audio/wav")} if sound else None,
                )
            except (httpx.ReadTimeout, httpx.WriteTimeout) as error:  # it is busy enough
                raise EngineGone(
                    f"The engine at {self.shown} did not answer within "
                    f"{self._http.timeout.read:g} s. Is it overloaded, or stuck? "
                    "The option timeout gives it longer."
                ) from error
            except httpx.TransportError as error:
                if last:
                    raise EngineGone(self._unreachable(error)) from error
                wait = self._patience.wait(attempt, None)
                self._log(attempt, wait, type(error).__name__)
            except httpx.RequestError as error:
                raise self.nonsense() from error
            else:
                if response.status_code not in PASSING or last:
                    return response
                wait = self._patience.wait(attempt, _retry_after(response))
                self._log(attempt, wait, str(response.status_code))
            time.sleep(wait)
            attempt += 1

    def _log(self, attempt: int, wait: float, reason: str) -> None:
        facts = {"endpoint": self.shown, "attempt": attempt, "seconds": wait, "reason": reason}
        logger.info("engine is asked again", extra=facts)

    def _unreachable(self, error: httpx.TransportError) -> str:
        return (
            f"The engine at {self.shown} cannot be reached ({type(error).__name__}, "
            f"{self._patience.attempts} attempts). {advice(self._base)}"
        )

    def _failure(self, response: httpx.Response) -> EngineFailed:
        status = response.status_code
        codes, about = _explanation(response)
        said = ", ".join([str(status), *codes])
        if status in PASSING:
            return EngineGone(
                f"The engine at {self.shown} has no room, or is not ready ({said}, "
                f"{self._patience.attempts} attempts). Wait for it, or give it less to do."
            )
        if status in (401, 403):
            message = (
                f"The engine at {self.shown} does not accept the API key ({said}). Put the key "
                f"into a file and name it in the option api_key_file, or set {KEY_VARIABLE}."
            )
        elif response.is_redirect:
            message = (
                f"The engine at {self.shown} sends on to another address ({said}), which is not "
                "followed. Give the address where the engine itself is."
            )
        elif response.is_server_error:
            message = f"The engine at {self.shown} broke on a request ({said}). See its log."
        else:
            message = f"The engine at {self.shown} refused a request ({said}). See its log."
        return Refused(message, status, codes, about)


def _close(http: httpx.Client, threads: ThreadPoolExecutor) -> None:
    threads.shutdown(wait=False)
    http.close()


def base_address(endpoint: str) -> httpx.URL:
    """The address without what is added anyway. Raises BadOption for what is none of http."""
    if not endpoint.strip():
        raise BadOption("No endpoint is named: set STT_ENDPOINT to the engine's. " + _EXAMPLE)
    try:
        address = httpx.URL(endpoint.strip().rstrip("/"))
    except httpx.InvalidURL as error:
        raise BadOption("The endpoint of the engine is no address. " + _EXAMPLE) from error
    if address.scheme not in ("http", "https") or not address.host:
        raise BadOption("The endpoint of the engine has to begin with http://. " + _EXAMPLE)
    if address.query or address.fragment:
        raise BadOption("The endpoint of the engine cannot have a ? or # in it. " + _EXAMPLE)
    return address.copy_with(path=address.path.removesuffix("/v1") or "/")


_EXAMPLE = "An example: http://host.docker.internal:8081"


def shown(address: httpx.URL) -> str:
    """The address as it may be read by anybody: no user and no password."""
    return str(address.copy_with(userinfo=b"")).rstrip("/")


def is_local(host: str) -> bool:
    """Whether `host` is this machine, or the one that this container runs on."""
    if host in ("localhost", HOST_OF_CONTAINER) or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def advice(address: httpx.URL) -> str:
    """What to look at where nothing answers."""
    if address.host == HOST_OF_CONTAINER:
        return (
            "Is it running, and does it listen on 0.0.0.0 and not on 127.0.0.1 only? On Linux the "
            'container needs extra_hosts: ["host.docker.internal:host-gateway"].'
        )
    if is_local(address.host):
        there = address.copy_with(host=HOST_OF_CONTAINER)
        return (
            "Is it running? In a container this address is the container itself; the machine it "
            f"runs on is {shown(there)}, where the engine has to listen on 0.0.0.0."
        )
    return "Is it running, is the address right, and does it listen on 0.0.0.0?"


def api_key(file: Path | None) -> str:
    """The key in `file`, else in the environment, else none. Raises BadOption."""
    if file is None:
        key, place = os.environ.get(KEY_VARIABLE, "").strip(), KEY_VARIABLE
    else:
        place = str(file)
        try:
            key = Path(file).expanduser().read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadOption(f"The API key cannot be read from {file}.") from error
        if not key:
            raise BadOption(f"There is no API key in {file}.")
    if not key.isascii() or any(letter.isspace() for letter in key):
        raise BadOption(f"{place} does not have an API key in it: it is one line of ASCII.")
    return key


def _trusting(ca_file: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=Path(ca_file).expanduser())
    except (OSError, RuntimeError) as error:  # an SSLError is an OSError
        raise BadOption(
            f"ca_file names {ca_file}, which is no certificate that can be read. It has to be PEM."
        ) from error


def wav(samples: Samples) -> bytes:
    """The piece as a file of 16 bits, which every server reads without converting."""
    sound = np.zeros(max(len(samples), round(LEAST * SAMPLE_RATE)), "<i2")
    sound[: len(samples)] = np.round(np.clip(samples, -1.0, 1.0) * 32767)
    memory = io.BytesIO()
    with wave.open(memory, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(sound.tobytes())
    return memory.getvalue()


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds; a date is as good as none."""
    try:
        return max(0.0, float(response.headers["Retry-After"]))
    except (KeyError, ValueError):
        return None


def _explanation(response: httpx.Response) -> tuple[list[str], str]:
    """The bare codes of an error, which may be shown, and its text in lower case, which may not."""
    try:
        error = json.loads(response.content)["error"]
        codes = [error.get(key) for key in ("type", "param", "code")]
    except (ValueError, KeyError, TypeError, AttributeError):
        return [], response.text.lower()
    bare = [each for each in codes if isinstance(each, str) and _CODE.fullmatch(each)]
    return bare, response.text.lower()
