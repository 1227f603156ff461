"""/v1/system/checks: what `malgwi doctor` finds on the machine of the service.

For administrators: evidence tells of folders, ports and versions. The checks come by
`ApiDoors.examine`, for this room knows nothing of machines.
"""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from malgwi.apps.transcription.api.access import SCHEMES, Admin
from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.apps.transcription.api.fresh import Fresh
from malgwi.apps.transcription.api.problems import problems

_FRESH = 30.0  # seconds: to look costs up to two


class CheckOut(BaseModel):
    """What a check found."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    looks: str
    """What it looks at."""
    state: str
    """`ok`, `warn`, `fail`, `skip`, or `crash`: the check itself did not end well."""
    symptom: str
    evidence: str
    cause: str
    remedy: str
    """Empty where there is nothing to do."""
    seconds: float


class ChecksOut(BaseModel):
    """All of them, worst first."""

    items: list[CheckOut]


def router(doors: ApiDoors) -> APIRouter:
    routes = APIRouter(tags=["system"], responses=problems(), dependencies=SCHEMES)
    examine = Fresh(doors.examine, _FRESH)

    @routes.get("/v1/system/checks")
    def read_checks(caller: Admin) -> ChecksOut:
        """The checks of `malgwi doctor` on the machine of the service, at most half a minute old.
        What is about containers or loads an engine is left to the command."""
        return ChecksOut(items=[CheckOut.model_validate(each) for each in examine()])

    return routes
