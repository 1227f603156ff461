"""What each of our errors is to an HTTP client. The only place that knows; dialects shape it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from malgwi import errors
from malgwi.errors import MalgwiError

_RETRY_SOON = 5  # seconds in which an engine that died is usually back


@dataclass(frozen=True, slots=True)
class Answer:
    """An error as every dialect can say it."""

    status: int
    code: str
    """Stable, for programs: `invalid_audio`, `model_not_found`, ..."""
    message: str
    """For people."""
    retry_after: int | None = None
    """Seconds; goes out as Retry-After."""
    param: str | None = None
    """The form field or parameter that is wrong."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """What else a program needs to go on, where a dialect has a place for it."""


class Refusal(MalgwiError):
    """What only a door can refuse, and knows the answer to: a role, a header, a version."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.message)
        self.answer = answer


_KINDS: tuple[tuple[type[MalgwiError], int, str], ...] = (  # the first that fits
    (errors.BadAudio, 400, "invalid_audio"),
    (errors.TooLarge, 413, "too_large"),
    (errors.BadInput, 400, "invalid_request"),
    (errors.OutputError, 507, "no_room"),
    (errors.EngineUnknown, 404, "model_not_found"),
    (errors.ModelMissing, 404, "model_not_found"),
    (errors.DeviceRefused, 503, "device_refused"),
    (errors.OutOfMemory, 503, "out_of_memory"),
    (errors.EngineGone, 503, "engine_gone"),
    (errors.EngineMissing, 503, "engine_missing"),
    (errors.ModelBroken, 503, "model_broken"),
    (errors.EngineError, 500, "engine_failed"),
    (errors.Overloaded, 429, "overloaded"),
    (errors.Cancelled, 408, "cancelled"),
    (errors.NetworkRefused, 403, "network_refused"),
    (errors.NetworkError, 502, "network_failed"),
    (errors.NotFound, 404, "not_found"),
    (errors.Stale, 409, "stale"),
    (errors.Conflict, 409, "conflict"),
    (errors.StoreFull, 507, "store_full"),
    (errors.StoreGone, 503, "store_gone"),
    (errors.StoreError, 500, "store_failed"),
)

NO_KEY = Answer(
    401,
    "invalid_api_key",
    "A key is needed: Authorization: Bearer KEY, Authorization: Token KEY, or X-API-Key: KEY.",
)
WRONG_KEY = Answer(401, "invalid_api_key", "This key is not one of those that are accepted here.")


FOREIGN_PAGE = Answer(
    403,
    "foreign_page",
    "A page of another machine may not use this engine without a key. Make keys with "
    "`malgwi engine key`.",
)


def status_of(error: BaseException, request_id: str | None = None) -> Answer:
    """What to answer. Of an error that is not ours nothing is told but the request's id."""
    if isinstance(error, Refusal):
        return error.answer
    if isinstance(error, MalgwiError):
        for kind, status, code in _KINDS:
            if isinstance(error, kind):
                param = getattr(error, "field", None)
                answer = Answer(status, code, str(error), _retry_after(error), param)
                return _with_current(answer, error)
    named = f" The log has more under request {request_id}." if request_id else ""
    return Answer(500, "internal", f"Something broke here that should not have.{named}")


def of_status(status: int) -> Answer:
    """For what the router says itself: no such path, no such method."""
    known = {
        404: ("not_found", "There is nothing at this path."),
        405: ("method_not_allowed", "This path does not take that method."),
    }
    code, message = known.get(status, ("http_error", "The request cannot be answered."))
    return Answer(status, code, message)


def _retry_after(error: MalgwiError) -> int | None:
    if isinstance(error, errors.Overloaded):
        return error.retry_after
    soon = isinstance(error, errors.EngineGone | errors.StoreGone)
    return _RETRY_SOON if soon else None


def _with_current(answer: Answer, error: MalgwiError) -> Answer:
    """Whoever was too late hears what to read."""
    if isinstance(error, errors.Stale):
        return replace(answer, more={"revision": getattr(error, "current", None)})
    return answer
