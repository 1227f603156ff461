"""From a request to the recording in it: first whether there is room, then the upload."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeVar

from fastapi import Request

from malgwi.apps.transcription.dialects.doors import Doors
from malgwi.apps.transcription.dialects.extras import printable
from malgwi.apps.transcription.service import Wanted
from malgwi.gateway import BadField, Form, FormModel, Upload, form_openapi, unknown_fields
from malgwi.scheduling import Lane
from malgwi.types import Transcript

T = TypeVar("T")

LANE_HEADER = "x-malgwi-lane"
UNNAMED = "the upload"
_NOTHING = ("", "false")  # what a field says that asks for nothing


def form_reader(doors: Doors) -> Callable[[Request], AsyncIterator[Form]]:
    """A dependency: the form, which is there until the answer is out. Raises Overloaded before
    anything of it is read."""

    async def read(request: Request) -> AsyncIterator[Form]:
        doors.service.fleet.admit(lane_of(request))
        async with doors.spool.form(request) as form:
            yield form

    return read


def body_reader(doors: Doors) -> Callable[[Request], AsyncIterator[Upload]]:
    """A dependency: the body as a file, likewise."""

    async def read(request: Request) -> AsyncIterator[Upload]:
        doors.service.fleet.admit(lane_of(request))
        async with doors.spool.body(request) as upload:
            yield upload

    return read


def lane_of(request: Request) -> Lane:
    given = request.headers.get(LANE_HEADER, "").strip().lower()
    try:
        return Lane(given or Lane.INTERACTIVE)
    except ValueError as error:
        raise BadField(LANE_HEADER, f"it is one of {', '.join(Lane)}") from error


def upload_in(form: Form, field: str) -> Upload:
    """Raises BadField where there is none, BadOption where there are several."""
    upload = form.file(field)
    if upload is None:
        raise BadField(field, "it is missing; send the recording in it, as a file")
    return upload


def query_of(request: Request) -> Form:
    """The parameters of the query, as a form without files."""
    fields: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        fields.setdefault(name, []).append(value)
    return Form(fields)


def not_known(form: Form, model: type[FormModel]) -> list[str]:
    """What is asked for, and what the model knows nothing of."""
    names = unknown_fields(model, form)
    asked = [name for name in names if set(form.fields[name]) - set(_NOTHING)]
    return printable(asked)


def query_openapi(model: type[FormModel]) -> list[dict[str, Any]]:
    """`parameters` of a route whose query is read as this model."""
    [content] = form_openapi(model, None)["requestBody"]["content"].values()
    properties: dict[str, Any] = content["schema"]["properties"]
    return [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in properties.items()
    ]


async def transcribed(
    doors: Doors,
    request: Request,
    upload: Upload,
    wanted: Wanted,
    answer: Callable[[Transcript], T],
) -> T:
    """What `answer`, in the same thread, makes of the transcript. Raises as `Service` does."""
    return await doors.crossing.run(
        request,
        lambda stop: answer(
            doors.service.transcribe(upload.path, upload.name or UNNAMED, wanted, stop)
        ),
    )


def hotwords(words: Sequence[str]) -> str:
    return ", ".join(word.strip() for word in words if word.strip())
