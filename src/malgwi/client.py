"""What `malgwi serve` is asked with: its API as calls, from Python and from the commands.

Thin: what the service says comes as it says it, JSON as mappings; only its errors become ours.
It knows HTTP and files, and nothing of engines, stores or terminals.
"""

import json
import os
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from functools import partial
from mimetypes import guess_type
from pathlib import Path
from typing import Any, BinaryIO, Self, TypeAlias, TypedDict, cast
from urllib.parse import quote, unquote

import httpx

from malgwi import client_uploads
from malgwi.client_http import CONNECT, Service
from malgwi.client_uploads import Sent
from malgwi.errors import (
    BadInput,
    BadOption,
    EngineGone,
    NetworkError,
    NotFound,
    OutputError,
    OutputExists,
    Overloaded,
    StoreGone,
)

ADDRESS = "http://127.0.0.1:8000"
LARGE = 32 * 2**20
"""Bytes of a recording from which on it is sent so that a break costs only what came after."""
PATIENCE = 120.0
"""Seconds that `wait` waits for a service that has gone to come back."""
PACE = 1.0
"""Seconds between two questions where the service tells nothing by itself."""

_HEARTBEAT = 40.0  # seconds; the service says every 15 that it is still there
_LONGEST_NAME, _CUT = 255, 200  # bytes that a disk takes in a name, and to how many a longer is cut
_ENDED = ("done", "dead", "cancelled")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')  # in the name of a file, on some system
_SAID_NAME = re.compile(r"filename\*=UTF-8''([^;\s]+)")


class Job(TypedDict):
    """Work, as /v1/jobs says it."""

    id: str
    kind: str
    state: str
    """waiting, queued, running; done, dead, cancelled."""
    recording: str | None
    progress: dict[str, Any]
    """Of a transcription `audio_done` and `audio_total`, in seconds; at the end `transcript`."""
    attempt: int
    max_attempts: int
    error: str | None
    cancel_asked: bool
    created: str
    started: str | None
    ended: str | None


class Recording(TypedDict):
    """What came in, as /v1/recordings says it."""

    id: str
    name: str
    created: str
    started: str | None
    duration: float | None
    channel_labels: list[str]
    labels: list[str]
    metadata: dict[str, str]


class Submitted(TypedDict):
    """A recording that was sent, and the job that transcribes it."""

    recording: Recording
    job: Job
    duplicate: bool
    """It was there already: nothing new is kept."""


class TranscriptRecord(TypedDict):
    """Which transcripts a recording has, as /v1/recordings/{id}/transcripts says it."""

    id: str
    recording: str
    created: str
    revision: int
    complete: bool


class Hit(TypedDict):
    """Where it was said, as /v1/search says it."""

    recording: str
    recording_name: str
    transcript: str
    utterance: str
    channel: int
    channel_label: str
    """As the recording calls it now."""
    speaker: str | None
    start: float
    """The second of the recording to play from."""
    at: str | None
    """The wall clock then; None where nobody knows when the recording started."""
    text: str
    parts: list[list[int]]
    """What matched: characters of `text`, from and to."""


Fields: TypeAlias = Mapping[str, str | list[str]]
Value: TypeAlias = str | int | float | bool | datetime | None
"""Of a filter; None is none."""


class Client:
    """The API of a service. One thread at a time; close it, or use it with `with`.

    Every call raises NetworkError where the service cannot be reached, BadOption where it does not
    take the key, and what the service refuses as the error that it was there.
    """

    def __init__(self, address: str = ADDRESS, key: str | None = None) -> None:
        """Raises BadOption for what is no address or no key."""
        self._service = Service(address, key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._service.close()

    def submit(  # noqa: PLR0913 - what can be said of a recording
        self,
        files: Path | Sequence[Path],
        *,
        name: str | None = None,
        labels: Sequence[str] = (),
        channel_labels: Sequence[str] = (),
        offsets: Sequence[float] = (),
        started: datetime | None = None,
        metadata: Mapping[str, str] | None = None,
        languages: Sequence[str] = (),
        glossary: str | None = None,
        model: str | None = None,
        prompt: str | None = None,
        on_sent: Sent | None = None,
    ) -> Submitted:
        """Send one recording, a file or a file a channel, and have it transcribed.

        It is read from disk as it is sent. What is large goes in a way that goes on after a break,
        and of that `on_sent` hears. Raises BadInput for a file that is not there.
        """
        paths = [files] if isinstance(files, Path) else list(files)
        fields: Fields = {
            "name": name or "",
            "labels": list(labels),
            "channel_labels": list(channel_labels),
            "offsets": [repr(float(each)) for each in offsets],
            "started": started.isoformat() if started else "",
            "metadata": json.dumps(dict(metadata), ensure_ascii=False) if metadata else "",
            "languages": list(languages),
            "glossary": glossary or "",
            "model": model or "",
            "prompt": prompt or "",
        }
        given = {each: value for each, value in fields.items() if value}
        with _opened(paths) as opened:
            if sum(map(_size, opened)) >= LARGE and all(map(_size, opened)):
                return self._send_resumably(paths, opened, given, on_sent or _unheard)
            return self._send_at_once(paths, opened, given)

    def recording(self, recording: str) -> Recording:
        return cast("Recording", self._get(f"/v1/recordings/{_segment(recording)}"))

    def recordings(self, **filters: Value) -> Iterator[Recording]:
        """Those that came last first. Filters: label, name, since, until, state, owner; `limit`
        is of a page, and all pages come."""
        return cast("Iterator[Recording]", self._pages("/v1/recordings", filters))

    def remove(self, recording: str, *, purge: bool = False) -> None:
        """It is not found any more; `purge` removes it from the disk, for administrators."""
        path = f"/v1/recordings/{_segment(recording)}"
        self._service.ask("DELETE", path, params={"purge": purge})

    def transcripts(self, recording: str) -> list[TranscriptRecord]:
        """Of the recording, newest first."""
        path = f"/v1/recordings/{_segment(recording)}/transcripts"
        return cast("list[TranscriptRecord]", self._service.listing(path))

    def job(self, job: str) -> Job:
        return cast("Job", self._get(f"/v1/jobs/{_segment(job)}"))

    def jobs(self, **filters: Value) -> Iterator[Job]:
        """The newest first. Filters: state, kind, lane, recording; `limit` as before."""
        return cast("Iterator[Job]", self._pages("/v1/jobs", filters))

    def cancel(self, job: str) -> Job:
        """Whoever is doing it is asked to stop; one that has ended stays as it is."""
        return cast("Job", self._service.mapping("POST", f"/v1/jobs/{_segment(job)}/cancel"))

    def retry(self, job: str) -> Job:
        """Raises Conflict for one that is not dead."""
        return cast("Job", self._service.mapping("POST", f"/v1/jobs/{_segment(job)}/retry"))

    def wait(self, job: str, on_progress: Callable[[Job], None] | None = None) -> Job:
        """The job, once it has ended, however it ended. `on_progress` gets it whenever it is other.

        The service may be started anew meanwhile: it is waited for, `PATIENCE` seconds.
        """
        answered = time.monotonic()
        last: Job | None = None
        while True:
            try:
                for now in self._changes(job):
                    answered = time.monotonic()
                    if on_progress and now != last:
                        on_progress(now)
                    last = now
                    if now["state"] in _ENDED:
                        return now
            except (NetworkError, StoreGone, EngineGone):
                if time.monotonic() - answered > PATIENCE or last is None:
                    raise
            time.sleep(PACE)

    def transcript(self, transcript: str, **which: Value) -> dict[str, Any]:
        """All that was said: `malgwi.transcript/1`, docs/reference/formats.md. `which`: revision,
        channel."""
        return self._get(f"/v1/transcripts/{_segment(transcript)}", which)

    def newest_transcript(self, of: str) -> str:
        """Its id, for a recording; a transcript's own id stays as it is. Raises NotFound."""
        try:
            found = self.transcripts(of)
        except NotFound:
            return of
        if not found:
            raise NotFound(
                f"Recording {of} has no transcript yet. `malgwi jobs` says how far it is."
            )
        return found[0]["id"]

    def search(self, query: str, **filters: Value) -> Iterator[Hit]:
        """Page after page, the best first. Filters: channel, speaker, label, recording,
        transcript, since, until, after, before, hidden, order; docs/reference/search.md. `limit` as
        before."""
        return cast("Iterator[Hit]", self._pages("/v1/search", {"q": query, **filters}))

    def export(  # noqa: PLR0913 - what, how, where
        self,
        transcript: str,
        format: str,
        to: Path,
        *,
        overwrite: bool = False,
        revision: int | None = None,
        channel: int | None = None,
    ) -> Path:
        """Write it as a file; into a folder under the name of the recording. Gives the path.

        There is the whole file or none. Raises OutputExists, OutputError.
        """
        which = _query({"transcript": transcript, "revision": revision, "channel": channel})
        with self._service.stream(_export(format), params=which) as answer:
            path = to / _file_name(answer, format) if to.is_dir() else to
            _write_whole(path, answer.iter_bytes(), overwrite=overwrite)
            return path

    def export_to(self, file: BinaryIO, transcript: str, format: str) -> None:
        """Write it into a file that is open, such as standard output."""
        which = {"transcript": transcript}
        with self._service.stream(_export(format), params=which) as answer:
            for chunk in answer.iter_bytes():
                file.write(chunk)

    def system(self) -> dict[str, Any]:
        """How the service is: docs/reference/api.md."""
        return self._get("/v1/system")

    def metrics(self) -> str:
        """In the text that Prometheus reads."""
        return self._service.ask("GET", "/metrics").text

    def _send_at_once(
        self, paths: Sequence[Path], opened: Sequence[BinaryIO], fields: Fields
    ) -> Submitted:
        files = {
            f"file{position or ''}": (path.name, file, _type(path))
            for position, (path, file) in enumerate(zip(paths, opened, strict=True))
        }
        answer = self._service.mapping("POST", "/v1/recordings", data=fields, files=files)
        return cast("Submitted", answer)

    def _send_resumably(
        self, paths: Sequence[Path], opened: Sequence[BinaryIO], fields: Fields, on_sent: Sent
    ) -> Submitted:
        """A file after the other, and what they are last."""
        uploads: list[str] = []
        before, size = 0, sum(map(_size, opened))
        for path, file in zip(paths, opened, strict=True):
            said = {"filename": path.name, "filetype": _type(path), "part": "true"}
            heard = partial(_added, on_sent, before, size)
            uploads.append(client_uploads.send(self._service, file, said, heard))
            before += _size(file)
        return cast("Submitted", client_uploads.join(self._service, uploads, fields))

    def _changes(self, job: str) -> Iterator[Job]:
        """The job as it is, and as the service tells that it becomes, for as long as it does."""
        yield self.job(job)
        timeout = httpx.Timeout(_HEARTBEAT, connect=CONNECT)
        path = f"/v1/jobs/{_segment(job)}/events"
        with suppress(Overloaded), self._service.stream(path, timeout=timeout) as answer:
            for data in _events(answer.iter_bytes()):
                try:
                    yield cast("Job", json.loads(data))
                except ValueError as error:
                    raise self._service.nonsense() from error

    def _pages(self, path: str, filters: Mapping[str, Value]) -> Iterator[Any]:
        cursor: Value = None
        while True:
            page = self._get(path, {**filters, "cursor": cursor})
            yield from page.get("items", ())
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def _get(self, path: str, filters: Mapping[str, Value] | None = None) -> dict[str, Any]:
        return self._service.mapping("GET", path, params=_query(filters or {}))


def read_key(file: Path) -> str:
    """The key that stands in a file. Raises BadOption."""
    try:
        key = file.expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadOption(f"The key cannot be read from {file}. Is it there, and a text?") from error
    if not key:
        raise BadOption(f"There is no key in {file}.")
    return key


@contextmanager
def _opened(paths: Sequence[Path]) -> Iterator[list[BinaryIO]]:
    """The files, all of which are there before the first byte is sent."""
    if not paths:
        raise BadInput("There is no file to send.")
    with ExitStack() as files:
        yield [files.enter_context(_open(path)) for path in paths]


def _open(path: Path) -> BinaryIO:
    if not path.exists():
        raise BadInput(f"There is no file {path}.")
    if not path.is_file():
        raise BadInput(f"{path} is not a file.")
    try:
        return path.open("rb")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}. Check its rights.") from error


def _size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def _type(path: Path) -> str:
    return guess_type(path.name)[0] or "application/octet-stream"


def _added(on_sent: Sent, before: int, size: int, sent: int, _: int) -> None:
    """`sent` bytes of a file, and those of the files `before` it."""
    on_sent(before + sent, size)


def _unheard(sent: int, size: int) -> None:
    """Nobody wants to know."""


def _segment(id: str) -> str:
    """An id as one step of a path, whatever is in it."""
    return quote(id, safe="").replace(".", "%2E") or "none"


def _export(format: str) -> str:
    return f"/v1/exports/{_segment(format)}"


def _query(filters: Mapping[str, Value]) -> dict[str, str | int | float]:
    """As it stands in an address; what is None is left out."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in filters.items()
        if value is not None
    }


def _events(chunks: Iterable[bytes]) -> Iterator[str]:
    """The data of server-sent events. Lines end with a line feed only: JSON may hold what else
    Unicode takes for the end of a line."""
    waiting = b""
    for chunk in chunks:
        waiting += chunk
        *whole, waiting = waiting.split(b"\n\n")
        for event in whole:
            data = [line[5:] for line in event.split(b"\n") if line.startswith(b"data:")]
            if data:
                yield b"\n".join(data).decode("utf-8", "replace")


def _file_name(answer: httpx.Response, format: str) -> str:
    """As the service would have it: a name, whatever else it says."""
    said = _SAID_NAME.search(answer.headers.get("content-disposition", ""))
    name = _UNSAFE.sub("_", unquote(said[1])).lstrip(".") if said else ""
    if len(name.encode()) > _LONGEST_NAME:  # letters of Korean are three bytes
        name = f"{name.encode()[:_CUT].decode('utf-8', 'ignore')}.{format}"
    return name or f"transcript.{format}"


def _write_whole(path: Path, chunks: Iterable[bytes], *, overwrite: bool) -> None:
    """Under another name in the same folder until it is whole and on the disk."""
    if not overwrite and os.path.lexists(path):
        raise OutputExists(
            f"{path} exists already. Give --overwrite to replace it, or another name."
        )
    part = path.with_name(f".{secrets.token_hex(8)}.part")  # a long name would be too long with it
    try:
        with part.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
