"""/v1/users: people who sign in with a name and a password. For administrators."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from malgwi.apps.transcription.api.access import SCHEMES, Admin
from malgwi.apps.transcription.api.bodies import SmallRoute
from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.apps.transcription.api.fields import Password, Truth, UserName
from malgwi.apps.transcription.api.problems import problems
from malgwi.store import Role, User


class UserIn(BaseModel):
    """A user who is to be made."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "anna", "role": "editor", "password": "…"}]},
    )

    name: UserName
    role: Role
    password: Password


class UserChanges(BaseModel):
    """What shall be other; what is absent or null stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"disabled": True}]})

    role: Role | None = None
    password: Password | None = None
    disabled: Truth | None = None


class UserOut(BaseModel):
    """A user, without the password."""

    id: str
    name: str
    role: Role
    created: datetime
    disabled: datetime | None
    """Since when they may not sign in."""
    last_signed_in: datetime | None


def router(doors: ApiDoors) -> APIRouter:
    routes = APIRouter(
        prefix="/v1/users",
        tags=["users"],
        responses=problems(),
        dependencies=SCHEMES,
        route_class=SmallRoute,
    )

    @routes.get("")
    def list_users(caller: Admin) -> list[UserOut]:
        """By name."""
        return list(map(_user_out, doors.people.users()))

    @routes.post("", status_code=201)
    def create_user(caller: Admin, wanted: UserIn) -> UserOut:
        """Names are one in whatever case; 409 for one that is taken."""
        made = doors.people.add(wanted.name, wanted.role, wanted.password)
        doors.store.note("user.create", made.id, caller.id, {"role": made.role.value})
        return _user_out(made)

    @routes.patch("/{user_id}")
    def update_user(caller: Admin, user_id: str, wanted: UserChanges) -> UserOut:
        """Ends all sessions of the user. 409 for the last administrator who can sign in."""
        changed = doors.people.change(
            user_id, role=wanted.role, password=wanted.password, disabled=wanted.disabled
        )
        facts = wanted.model_dump(mode="json", exclude_none=True)
        if wanted.password is not None:
            facts["password"] = True  # that it was, and nothing of it
        doors.store.note("user.update", user_id, caller.id, facts)
        return _user_out(changed)

    @routes.delete("/{user_id}", status_code=204)
    def delete_user(caller: Admin, user_id: str) -> None:
        """What they did stays. 409 for the last administrator who can sign in."""
        doors.people.remove(user_id)
        doors.store.note("user.delete", user_id, caller.id)

    return routes


def _user_out(user: User) -> UserOut:
    return UserOut(
        id=user.id,
        name=user.name,
        role=user.role,
        created=user.created,
        disabled=user.disabled,
        last_signed_in=user.last_signed_in,
    )
