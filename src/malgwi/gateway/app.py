"""The application that all dialects are doors of: keys, ids, log lines, metrics, errors, health."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import compile_path

from malgwi import logs
from malgwi.errors import MalgwiError
from malgwi.gateway.errors import Answer, of_status, status_of
from malgwi.gateway.health import Health, health_routes
from malgwi.gateway.keys import Lock
from malgwi.gateway.metrics import Metrics, metrics_routes
from malgwi.gateway.middleware import (
    Access,
    KeyCheck,
    LastResort,
    Lingering,
    RequestId,
    Respond,
    responder,
)

Shape = Callable[[Answer], Response]
"""An error as a dialect writes it."""

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "What was sent cannot be used; the message says why."},
    "5XX": {"description": "It cannot be done here, or not now; the message says why."},
}
OPEN = ("/health", "/health/live", "/health/ready")


def plain(answer: Answer) -> Response:
    """The shape where no dialect has its own; OpenAI's, which most clients can read."""
    kind = "invalid_request_error" if answer.status < 500 else "server_error"
    error = {
        "message": answer.message,
        "type": kind,
        "param": answer.param,
        "code": answer.code,
    }
    return JSONResponse({"error": error}, answer.status)


def new_app(  # noqa: PLR0913  (by keyword, and each stands for itself)
    *,
    title: str,
    version: str,
    keys: Lock,
    metrics: Metrics,
    health: Health,
    routers: Sequence[APIRouter] = (),
    shapes: Mapping[str, Shape] | None = None,
    health_paths: Sequence[str] = (),
    open_paths: Sequence[str] = (),
    lifespan: Lifespan | None = None,
) -> FastAPI:
    """`shapes` are by prefix of the path; `health_paths` are further places of /health;
    at `open_paths` the routes themselves look at who asks."""
    respond = responder({"": plain, **(shapes or {})})
    app = FastAPI(
        title=title,
        version=version,
        lifespan=lifespan,
        docs_url=None,  # both pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        responses=_RESPONSES,
        middleware=[
            Middleware(Lingering),
            Middleware(RequestId),
            Middleware(Access, metrics=metrics),
            Middleware(LastResort, respond=respond),
            Middleware(
                KeyCheck, keys=keys, respond=respond, open_paths=(*OPEN, *health_paths, *open_paths)
            ),
        ],
    )
    _answer_errors(app, respond)
    for router in (health_routes(health, health_paths), metrics_routes(metrics), *routers):
        app.include_router(router)
    return app


def _answer_errors(app: FastAPI, respond: Respond) -> None:
    async def ours(request: Request, error: Exception) -> Response:
        return respond(request.url.path, status_of(error, logs.request_id.get()))

    async def the_routers(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        response = respond(request.url.path, of_status(error.status_code))
        response.headers.update(error.headers or {})
        if error.status_code == 405:
            response.headers["allow"] = _allowed(app, request.url.path)
        return response

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        fault = error.errors()[0]
        name = str(fault["loc"][-1])
        message = f"The parameter {name!r} cannot be used: {fault['msg']}."
        return respond(request.url.path, Answer(400, "invalid_request", message, param=name))

    app.add_exception_handler(MalgwiError, ours)
    app.add_exception_handler(HTTPException, the_routers)
    app.add_exception_handler(RequestValidationError, invalid)


def _allowed(app: FastAPI, path: str) -> str:
    """All methods of the path; the router knows only those of the route that it tried first."""
    paths = app.openapi()["paths"]
    matching = [each for each in paths if compile_path(each)[0].match(path)]
    templates = [path] if path in paths else matching  # /users/first is no /users/{id}
    return ", ".join(sorted({method.upper() for each in templates for method in paths[each]}))
