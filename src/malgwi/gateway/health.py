"""Whether the engines work: by what they answer to a canary, not by a process being there.

/health         what whisper.cpp's clients read: {"status": "ok"} or 503
/health/live    the process serves; where not, its supervisor should start it again
/health/ready   the engines transcribe
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

_FRESH = 1.0  # seconds for which a look is good


@dataclass(frozen=True, slots=True)
class Readiness:
    """What a look at the engines gave."""

    ready: bool
    engines: Sequence[Mapping[str, object]] = ()
    """A mapping an engine. Of its keys two are read here: `state` ("ready", "loading", or what is
    wrong) and `fallback_reason`."""


class Health(Protocol):
    """Who knows how the engines are. Both are called from threads."""

    def live(self) -> bool:
        """At once. False: nothing but a new start helps."""
        ...

    def ready(self) -> Readiness:
        """May take as long as a canary may; is not called again meanwhile."""
        ...


class _Watch:
    """Shares one look among all who ask at about the same time: each is a transcription."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self._look: asyncio.Task[Readiness] | None = None
        self._stale_at = 0.0

    async def ready(self) -> Readiness:
        if self._look is None or (self._look.done() and time.monotonic() > self._stale_at):
            self._look = asyncio.create_task(self._ask())
        return await asyncio.shield(self._look)

    async def _ask(self) -> Readiness:
        found = await run_in_threadpool(self._health.ready)
        self._stale_at = time.monotonic() + _FRESH
        return found


def health_routes(health: Health, paths: Sequence[str] = ("/health",)) -> APIRouter:
    """`paths` are further places where a dialect's clients look for /health."""
    routes = APIRouter(tags=["health"])
    watch = _Watch(health)

    async def whole(request: Request) -> JSONResponse:
        """Whether speech can be recognised; `degraded` where not as it was asked for."""
        return _answer(request, await watch.ready())

    async def ready(request: Request) -> JSONResponse:
        """Whether every loaded engine transcribes a known recording rightly and in time."""
        return _answer(request, await watch.ready())

    def live() -> JSONResponse:
        """Whether the process serves."""
        alive = health.live()
        return JSONResponse({"status": "ok" if alive else "unavailable"}, 200 if alive else 503)

    for path in dict.fromkeys(("/health", *paths)):
        _add(routes, path, whole)
    _add(routes, "/health/live", live)
    _add(routes, "/health/ready", ready)
    return routes


def _add(routes: APIRouter, path: str, answer: Callable[..., Any]) -> None:
    """HEAD too: some supervisors ask so."""
    routes.get(path)(answer)
    routes.head(path, include_in_schema=False)(answer)


def status_in_words(found: Readiness) -> str:
    states = [each.get("state") for each in found.engines]
    if not found.ready:
        return "loading model" if "loading" in states else "unavailable"
    fallen = any(each.get("fallback_reason") for each in found.engines)
    return "degraded" if fallen or any(state != "ready" for state in states) else "ok"


def _answer(request: Request, found: Readiness) -> JSONResponse:
    """Names of models and devices only to whoever may use them."""
    body: dict[str, Any] = {"status": status_in_words(found)}
    if request.scope.get("malgwi.admitted", True):
        body["engines"] = list(found.engines)
    return JSONResponse(body, 200 if found.ready else 503)
