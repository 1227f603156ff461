"""A file as an answer, any part of it by the header Range."""

from fastapi.responses import FileResponse
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from malgwi.apps.transcription.api.problems import shape
from malgwi.gateway import Answer


class AnyPart(FileResponse):
    """A part that there is not is a problem like others, and a header Range that is none is left
    alone (RFC 9110, 14.2): all of the file is sent."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused: Message = {}

        async def sending(message: Message) -> None:
            if message.get("status") in (400, 416):
                refused.update(message)
            if not refused:
                await send(message)

        await super().__call__(scope, receive, sending)
        if refused.get("status") == 400:
            headers = [each for each in scope["headers"] if each[0] != b"range"]
            await super().__call__({**scope, "headers": headers}, receive, send)
        elif refused:
            answer = shape(Answer(416, "no_such_range", "The file has no such part."))
            answer.headers["content-range"] = Headers(raw=refused["headers"])["content-range"]
            await answer(scope, receive, send)
