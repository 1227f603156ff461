"""Errors as this API says them: problem+json, RFC 9457."""

from http import HTTPStatus
from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from malgwi import logs
from malgwi.gateway import Answer

MEDIA_TYPE = "application/problem+json"
_STATUSES = (400, 401, 403, 404, 408, 409, 413, 429, 500, 503, 507)


class Problem(BaseModel):
    """Every error."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:malgwi:problem:stale"])
    """Stable, for programs."""
    title: str = Field(examples=["Conflict"])
    status: int = Field(examples=[409])
    detail: str
    """For people: what was wrong, and what to do."""
    instance: str | None = None
    """The id of the request, as in `X-Request-Id` and in the log."""
    param: str | None = None
    """The field or parameter that is wrong."""
    revision: int | None = None
    """Of 409 `stale`: the revision that is current."""
    line: int | None = None
    """Of a glossary: where what is wrong with it stands, from 1."""


def shape(answer: Answer) -> Response:
    body: dict[str, Any] = {
        "type": f"urn:malgwi:problem:{answer.code}",
        "title": _phrase(answer.status),
        "status": answer.status,
        "detail": answer.message,
        "instance": logs.request_id.get(),
        **({"param": answer.param} if answer.param else {}),
        **answer.more,
    }
    return JSONResponse(body, answer.status, media_type=MEDIA_TYPE)


def problems(*more: int) -> dict[int | str, dict[str, Any]]:
    """`responses` of a router."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    said: dict[int | str, dict[str, Any]] = {
        status: {"description": _phrase(status), "content": {MEDIA_TYPE: schema}}
        for status in (*_STATUSES, *more)
    }
    return {**said, 400: {**said[400], "model": Problem}}  # which puts it among the schemas


def _phrase(status: int) -> str:
    own = {460: "Checksum Mismatch"}  # of tus; HTTP has none of that number
    return own.get(status) or HTTPStatus(status).phrase
