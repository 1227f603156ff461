"""The smallest application with every kind of door in it, as a dialect would write them."""

import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from malgwi.gateway import (
    Answer,
    Crossing,
    Form,
    Keys,
    Limits,
    Metrics,
    Readiness,
    Spool,
    Upload,
    new_app,
)


@dataclass
class Engines:
    """A Health whose state a test sets."""

    alive: bool = True
    found: Readiness = field(default_factory=lambda: Readiness(True))
    looks: int = 0
    hold: Event | None = None
    """A look waits for it."""

    def live(self) -> bool:
        return self.alive

    def ready(self) -> Readiness:
        self.looks += 1
        if self.hold:
            self.hold.wait(10)
        return self.found


class Doors:
    """An application and what is behind it."""

    def __init__(self, folder: Path, limits: Limits, keys: Keys) -> None:
        self.folder = folder
        self.crossing = Crossing(4)
        self.metrics = Metrics("1.2.3")
        self.spool = Spool(folder, limits, self.crossing, self.metrics)
        self.engines = Engines()
        self.began = Event()
        """Set when /work or /stream is in its thread."""
        self.stopped = Event()
        """Set when it was told to stop."""
        self.fault: Exception = ValueError()
        """What /fault raises."""
        self.app = new_app(
            title="test",
            version="1.2.3",
            keys=keys,
            metrics=self.metrics,
            health=self.engines,
            routers=[_routes(self)],
            shapes={"/brief": _brief},
            health_paths=["/v1/health"],
        )

    def files(self) -> list[Path]:
        """Uploads that are on disk now."""
        return [each for each in self.folder.glob("*/*") if each.name != "lock"]

    async def form_of(self, request: Request) -> AsyncIterator[Form]:
        async with self.spool.form(request) as form:
            yield form

    def work_on(self, stop: Event) -> None:
        """Until told to stop."""
        self.began.set()
        assert stop.wait(10)
        self.stopped.set()

    def count(self, stop: Event, put: Callable[[str], None]) -> None:
        """Without an end."""
        try:
            while True:
                put("one more\n" * 100)
                self.began.set()
        finally:
            if stop.is_set():
                self.stopped.set()


@contextmanager
def doors(folder: Path, limits: Limits | None = None, keys: Keys | None = None) -> Iterator[Doors]:
    opened = Doors(folder, limits or Limits(), keys or Keys())
    try:
        yield opened
    finally:
        opened.crossing.close()
        opened.spool.close()


def _brief(answer: Answer) -> Response:
    """The shape of a dialect of its own."""
    return JSONResponse({"error": answer.message}, answer.status)


def _seen(upload: Upload) -> dict[str, object]:
    sha256 = hashlib.sha256(upload.path.read_bytes()).hexdigest()
    said = {"name": upload.name, "size": upload.size, "content_type": upload.content_type}
    return {**said, "sha256": sha256}


def _routes(doors: Doors) -> APIRouter:
    routes = APIRouter()

    @routes.post("/form")
    async def form(request: Request) -> dict[str, object]:
        async with doors.spool.form(request) as form:
            files = {name: _seen(each) for name, each in form.files}
            return {"fields": form.fields, "files": files}

    @routes.post("/body")
    async def body(request: Request) -> dict[str, object]:
        async with doors.spool.body(request) as upload:
            return _seen(upload)

    @routes.post("/work")
    async def work(
        request: Request, form: Annotated[Form, Depends(doors.form_of)]
    ) -> dict[str, object]:
        await doors.crossing.run(request, doors.work_on)
        return {"files": len(form.files)}

    @routes.post("/stream")
    async def stream(
        request: Request, form: Annotated[Form, Depends(doors.form_of)]
    ) -> StreamingResponse:
        return StreamingResponse(doors.crossing.stream(request, doors.count))

    @routes.post("/read")
    async def read(
        request: Request, form: Annotated[Form, Depends(doors.form_of)]
    ) -> StreamingResponse:
        def lines(stop: Event, put: Callable[[bytes], None]) -> None:
            for line in dict(form.files)["file"].path.read_bytes().splitlines(keepends=True):
                put(line)

        return StreamingResponse(doors.crossing.stream(request, lines))

    @routes.get("/half")
    async def half(request: Request) -> StreamingResponse:
        def first_line(stop: Event, put: Callable[[str], None]) -> None:
            put("the first line\n")
            raise doors.fault

        return StreamingResponse(doors.crossing.stream(request, first_line))

    @routes.get("/fault")
    @routes.get("/brief/fault")
    async def fault() -> None:
        raise doors.fault

    @routes.get("/items/{name}")
    async def item(name: str, count: int = 1) -> dict[str, object]:
        logging.getLogger("malgwi.test").info("looked up", extra={"count": count})
        return {"name": name}

    return routes
