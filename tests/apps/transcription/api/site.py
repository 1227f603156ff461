"""A whole service of what is kept, but for the workers: what they would do a test does itself."""

import io
import socket
import sqlite3
import subprocess
import sys
import wave
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from malgwi.apps.transcription.api import (
    OPEN_PATHS,
    SHAPES,
    ApiDoors,
    EngineState,
    Installation,
    InstalledModel,
    StoreLock,
    routers,
)
from malgwi.audio import Decoders, Listening
from malgwi.gateway import Crossing, Keys, Limits, Metrics, Readiness, Spool, new_app
from malgwi.ops import doctor
from malgwi.store import (
    Glossaries,
    NewRecording,
    Notes,
    Outbox,
    People,
    Role,
    Search,
    SqlStore,
    TranscriptRecord,
    Uploads,
)
from malgwi.store.ledger import Ledger
from malgwi.types import Job, Transcript

LOCAL = "http://127.0.0.1"
NO_ID = "0190a1b2-0000-7000-8000-000000000000"
LIMITS = Limits(upload_bytes=4_000_000, uploads=4, silence=1.0, turn=0.2)


class _Well:
    def live(self) -> bool:
        return True

    def ready(self) -> Readiness:
        return Readiness(True)


@dataclass
class Site:
    """The service, and what is behind it."""

    app: FastAPI
    store: SqlStore
    ledger: Ledger
    doors: ApiDoors
    folder: Path
    sent: list[Job] = field(default_factory=list)
    """What the queue was told of."""

    def client(self, role: Role | None = None) -> TestClient:
        """With a new key of the role, or with none."""
        headers = {} if role is None else self.key(role)[1]
        return TestClient(
            self.app, LOCAL, raise_server_exceptions=False, headers=headers, follow_redirects=False
        )

    def key(self, role: Role) -> tuple[str, dict[str, str]]:
        """Its id, and the headers that show it."""
        key, secret = self.store.new_key(role.value, role)
        return key.id, {"authorization": f"Bearer {secret}"}

    def actions(self) -> list[str]:
        """Of the audit trail, oldest first."""
        return [each.action for each in reversed(self.store.trail().items)]

    def transcribed(self, transcript: Transcript, name: str = "관제 무전.wav") -> TranscriptRecord:
        """As a worker leaves it."""
        recording = self.store.add_recording(NewRecording(name=name))
        return self.store.save_transcript(recording.id, transcript)

    def empty(self) -> None:
        """As it was at first."""
        with (
            closing(sqlite3.connect(self.folder / "fresh.db")) as fresh,
            closing(sqlite3.connect(self.folder / "data" / "malgwi.db")) as used,
        ):
            fresh.backup(used)
        for each in self.files():
            each.unlink()
        self.sent.clear()

    def files(self) -> list[Path]:
        """All that lies in the folder of the data, but the database."""
        places = (self.folder / "data" / name for name in ("media", "uploads", "spool"))
        found = [each for place in places for each in place.rglob("*") if each.is_file()]
        return [each for each in found if each.name != "lock"]


UNWELL = doctor.Result(
    "DISK-001",
    "Is there room?",
    doctor.State.FAIL,
    "Too little room.",
    "/data: 1 MB",
    "",
    "Make room.",
    0.1,
)
"""What the doctor says of it."""


@contextmanager
def site(
    folder: Path,
    limits: Limits | None = None,
    *,
    needed: bool = False,
    settings: Keys | None = None,
    media: Keys | None = None,
    **more: Any,
) -> Iterator[Site]:
    limits, data = limits or Limits(), folder / "data"
    data.mkdir(exist_ok=True)
    with ExitStack() as open_things:
        store = SqlStore(f"sqlite:///{data / 'malgwi.db'}", data)
        open_things.callback(store.close)
        with (
            closing(sqlite3.connect(data / "malgwi.db")) as made,
            closing(sqlite3.connect(folder / "fresh.db")) as fresh,
        ):
            made.backup(fresh)
        crossing = Crossing(8)
        open_things.callback(crossing.close)
        spool = Spool(data / "spool", limits, crossing)
        open_things.callback(spool.close)
        sent: list[Job] = []
        ledger = Ledger(store.database)
        listeners = open_things.enter_context(Decoders(processes=1, most=2))
        keys, people = settings or Keys(), People(store.database)
        doors = ApiDoors(
            store=store,
            people=people,
            keys=keys,
            ledger=ledger,
            uploads=Uploads(store.database, data / "uploads", reserve=0),
            glossaries=Glossaries(store.database),
            notes=Notes(store.database),
            listen=Listening(listeners).excerpt,
            spool=spool,
            crossing=crossing,
            limits=limits,
            send=sent.append,
            search=Search(store.database),
            installation=lambda: Installation(
                "1.2.3",
                datetime.now(UTC),
                (EngineState("base", "failed", f"{data} is full", None, None),),
                None,
                (InstalledModel("base", "MIT", True, 145, True),),
                data,
                free=10,
                total=20,
                media=store.media_bytes(),
                database=store.database.size,
                last_backup=store.last_backup(),
            ),
            examine=lambda: [UNWELL],
            outbox=Outbox(store.database),
            **more,
        )
        app = new_app(
            title="test",
            version="1.2.3",
            keys=StoreLock(store, people, keys, needed, media or Keys()),
            metrics=Metrics("1.2.3"),
            health=_Well(),
            routers=routers(doors),
            shapes=SHAPES,
            open_paths=OPEN_PATHS,
        )
        yield Site(app, store, ledger, doors, folder, sent)


@contextmanager
def process(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A service in a process of its own, to be killed, and its address."""
    command = [sys.executable, "-m", "apps.transcription.api.site", str(folder)]
    here = str(Path(__file__).parents[3])
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=here) as running:
        try:
            assert running.stdout
            yield running, running.stdout.readline().strip()
        finally:
            running.kill()


def wav(seconds: float = 0.1, pitch: float = 440.0) -> bytes:
    """A tone, 8 kHz."""
    times = np.arange(int(seconds * 8000)) / 8000
    samples = (np.sin(2 * np.pi * pitch * times) * 8000).astype("<i2")
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())
    return written.getvalue()


def uploaded(client: TestClient, content: bytes | None = None, **fields: Any) -> dict[str, Any]:
    """What the service answers to a recording."""
    files = {"file": ("radio.wav", content or wav(), "audio/wav")}
    answer = client.post("/v1/recordings", files=files, data=fields)
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


if __name__ == "__main__":
    with (
        site(Path(sys.argv[1])) as served,
        socket.create_server(("127.0.0.1", 0)) as listening,
    ):
        print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)  # noqa: T201
        config = uvicorn.Config(served.app, log_config=None, access_log=False)
        uvicorn.Server(config).run(sockets=[listening])
