"""Fetching a recording from a URL that a client gives, without lending the client our network.

Only hosts that the operator has listed, and only as `targets.py` allows. An entry that is an
address itself may be private: whoever writes 10.0.0.5 means it.
"""

from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from threading import Event
from urllib.parse import unquote

from fastapi import Request

from malgwi.errors import BadOption, Cancelled, NetworkError, NetworkRefused, TooLarge
from malgwi.gateway.crossing import Crossing
from malgwi.gateway.targets import Target, addresses, connected, read_target
from malgwi.gateway.uploads import Spool, Upload, append, label

_PATIENCE = 20.0  # seconds to connect, and without a byte
_LONGEST = 1800.0  # seconds that a download may take
_CHUNK = 1024 * 1024
_REMEDY = "The operator can list the address itself in MALGWI_ENGINE__URL_HOSTS."


@asynccontextmanager
async def fetched(  # noqa: PLR0913  (by keyword, and each stands for itself)
    request: Request,
    url: str,
    *,
    spool: Spool,
    crossing: Crossing,
    hosts: Collection[str],
    limit: int,
    offline: bool,
) -> AsyncIterator[Upload]:
    """What is at the URL, in the spool like an upload. Raises what `fetch` raises."""
    async with spool.place() as path:
        yield await crossing.run(
            request,
            lambda stop: fetch(url, path, hosts=hosts, limit=limit, offline=offline, stop=stop),
        )


def fetch(  # noqa: PLR0913  (by keyword, and each stands for itself)
    url: str,
    into: Path,
    *,
    hosts: Collection[str],
    limit: int,
    offline: bool,
    stop: Event | None = None,
    within: float = _LONGEST,
) -> Upload:
    """Fetch at most `limit` bytes, `within` seconds, into the file `into`. `hosts` are names,
    addresses, or either with a port, which is otherwise that of the scheme.

    Raises BadOption, TooLarge, NetworkRefused, NetworkError, OutputError, and Cancelled when
    `stop` is set.
    """
    if offline:
        raise NetworkRefused("fetching a recording from a URL", "Send the recording itself.")
    target, stop = _listed(url, hosts), stop or Event()
    with _translated(target.host), _connected(target, within, stop) as connection:
        headers = {"Host": target.names[0], "User-Agent": "malgwi"}
        connection.request("GET", target.path, headers=headers)
        answer = connection.getresponse()
        _check(answer, limit)
        size = _save(answer, into, limit, stop)
        return Upload(
            into,
            label(unquote(target.path.partition("?")[0])),
            size,
            answer.headers.get("Content-Type", ""),
        )


def _listed(url: str, hosts: Collection[str]) -> Target:
    if not hosts:
        raise BadOption(
            "URLs are not fetched here. Send the recording itself, or have the operator list the "
            "host in MALGWI_ENGINE__URL_HOSTS."
        )
    target = read_target(url)
    if not target.is_among(hosts):
        raise BadOption(
            f"The host {label(target.host)} is not one of those from which recordings are fetched. "
            "The operator can list it in MALGWI_ENGINE__URL_HOSTS."
        )
    return target


def _check(answer: HTTPResponse, limit: int) -> None:
    if 300 <= answer.status < 400:
        raise BadOption("The URL leads on to another, and redirects are not followed. Give that.")
    if answer.status != 200:
        raise BadOption(f"The host of the URL answered {answer.status}.")
    if answer.length is not None and answer.length > limit:
        raise _too_large(limit)


def _save(answer: HTTPResponse, into: Path, limit: int, stop: Event) -> int:
    size = 0
    append(into, b"")
    while chunk := answer.read1(_CHUNK):
        size += len(chunk)
        if stop.is_set():
            raise Cancelled("The client has gone.")
        if size > limit:
            raise _too_large(limit)
        append(into, chunk)
    if answer.length:
        raise NetworkError("The download broke off before its end. Try again.")
    return size


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"There are more than {limit:,} bytes at the URL, the most that is taken.")


@contextmanager
def _connected(target: Target, within: float, stop: Event) -> Iterator[HTTPConnection]:
    """Whoever lists an address means it, so that it may be private."""
    to = addresses(target, private=target.is_address, remedy=_REMEDY)
    with connected(target, to, patience=_PATIENCE, within=within, stop=stop) as connection:
        yield connection


@contextmanager
def _translated(host: str) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise NetworkError(
            f"The host {label(host)} did not send the recording in time. Try again."
        ) from error
    except (OSError, HTTPException) as error:
        reason = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
        raise NetworkError(
            f"The recording could not be fetched from {label(host)}{reason}. Try again."
        ) from error
