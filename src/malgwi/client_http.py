"""The way to a service: requests and answers over HTTP, and its errors as ours.

It knows that a service says what is wrong as problem+json (RFC 9457), and none of its paths.
"""

import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from malgwi import errors
from malgwi.errors import BadInput, BadOption, MalgwiError, NetworkError

CONNECT = 5.0
"""Seconds within which a service has to take a connection."""
SILENCE = 300.0
"""Seconds without a byte: an upload is read through, and waits for its turn, before the answer."""

_KEY = "Put a key into a file, and name the file in MALGWI_CLIENT__KEY_FILE."
_PROBLEM = "urn:malgwi:problem:"
_LONGEST = 1000  # characters of a sentence that comes from elsewhere
_SOON = 5  # seconds
_BY_CODE: Mapping[str, type[MalgwiError]] = {
    "invalid_audio": errors.BadAudio,
    "store_gone": errors.StoreGone,
    "store_full": errors.StoreFull,
    "store_failed": errors.StoreError,
    "no_room": errors.StoreFull,
    "network_refused": NetworkError,
}
_BY_STATUS: Mapping[int, type[MalgwiError]] = {
    401: BadOption,
    403: BadOption,
    404: errors.NotFound,
    408: errors.Cancelled,
    409: errors.Conflict,
    413: errors.TooLarge,
    502: NetworkError,
    503: errors.EngineGone,
    504: NetworkError,
    507: errors.StoreFull,
}


class Service:
    """A service at an address. Redirects are not followed: a key goes where it was told to."""

    def __init__(self, address: str, key: str | None) -> None:
        """Raises BadOption for what is no address or no key."""
        base = _base(address)
        self.address = str(base.copy_with(userinfo=b"")).rstrip("/")
        self._key = _checked(key) if key else None
        self._http = httpx.Client(
            base_url=base,
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            timeout=httpx.Timeout(SILENCE, connect=CONNECT),
            trust_env=not _is_here(base.host),  # a proxy cannot reach what is in here
            follow_redirects=False,
        )

    def close(self) -> None:
        self._http.close()

    def ask(self, method: str, path: str, **how: Any) -> httpx.Response:
        """The answer; `how` as httpx has it. Raises what the service says is wrong, and
        NetworkError where nothing is said."""
        try:
            answer = self._http.request(method, path, **how)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        self._check(answer)
        return answer

    @contextmanager
    def stream(self, path: str, **how: Any) -> Iterator[httpx.Response]:
        """An answer whose body is still to come. Raises as `ask`, in the block as well."""
        try:
            with self._http.stream("GET", path, **how) as answer:
                if not answer.is_success:
                    answer.read()
                self._check(answer)
                yield answer
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    def mapping(self, method: str, path: str, **how: Any) -> dict[str, Any]:
        """The JSON object that is answered."""
        value = _json(self.ask(method, path, **how))
        if not isinstance(value, dict):
            raise self.nonsense()
        return value

    def listing(self, path: str) -> list[Any]:
        """The JSON list that is answered."""
        value = _json(self.ask("GET", path))
        if not isinstance(value, list):
            raise self.nonsense()
        return value

    def nonsense(self) -> NetworkError:
        """The error for an answer that cannot be understood."""
        return NetworkError(
            f"What answers at {self.address} does not speak as Malgwi does. Is it the address of "
            "`malgwi serve`?"
        )

    def _check(self, answer: httpx.Response) -> None:
        if answer.is_redirect:
            raise NetworkError(
                f"{self.address} sends on to another address, which is not followed. Give the "
                "address where the service itself is."
            )
        if answer.is_success:
            return
        problem = _json(answer)
        code = problem.get("type") if isinstance(problem, dict) else None
        if not isinstance(code, str) or not code.startswith(_PROBLEM):
            raise self.nonsense()
        raise self._refusal(answer, code.removeprefix(_PROBLEM), problem)

    def _refusal(
        self, answer: httpx.Response, code: str, problem: Mapping[str, Any]
    ) -> MalgwiError:
        said = _one_line(str(problem.get("detail") or f"The service answered {code}."))
        status = answer.status_code
        if status == 401 and not self._key:
            return BadOption(f"The service at {self.address} wants a key. {_KEY}")
        if status == 401 or code == "forbidden":
            return BadOption(f"{said} {_KEY}")
        if code == "stale" and isinstance(current := problem.get("revision"), int):
            return errors.Stale(said, current)
        if status in (423, 429):
            return errors.Overloaded(said, _retry_after(answer))
        if kind := _BY_CODE.get(code) or _BY_STATUS.get(status):
            return kind(said)
        return errors.EngineFailed(said) if answer.is_server_error else BadInput(said)

    def _unreachable(self, error: httpx.HTTPError) -> NetworkError:
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return NetworkError(
                f"Nothing answers at {self.address}. Start it with `malgwi serve`, or set "
                "MALGWI_CLIENT__ADDRESS to where it is."
            )
        return NetworkError(
            f"The connection to {self.address} broke ({type(error).__name__}). Is it still "
            "running? Then try it again."
        )


def _base(address: str) -> httpx.URL:
    example = "An example: http://127.0.0.1:8000"
    try:
        base = httpx.URL(address.strip().rstrip("/"))
    except httpx.InvalidURL as error:
        raise BadOption(f"The address of the service is no address. {example}") from error
    if base.scheme not in ("http", "https") or not base.host or base.query or base.fragment:
        raise BadOption(f"The address of the service has to begin with http://. {example}")
    return base


def _checked(key: str) -> str:
    if not key.isascii() or any(letter.isspace() for letter in key):
        raise BadOption("What was given as the key is none: it is one word of ASCII.")
    return key


def _is_here(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _one_line(text: str) -> str:
    """Nothing in it moves a cursor."""
    plain = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(plain.split())[:_LONGEST]


def _retry_after(answer: httpx.Response) -> int:
    said = answer.headers.get("Retry-After", "")
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 5 else _SOON
