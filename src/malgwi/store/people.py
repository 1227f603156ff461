"""Who may sign in, and who is: users with their passwords, and the sessions of users and keys.

Whoever signs in gets a token, which opens until the session ends. A password that is changed, a
role that is changed, and a user who is disabled or removed end all sessions of that user.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from malgwi.errors import Conflict, NotFound, StoreError
from malgwi.store import keys, passwords, sessions, users
from malgwi.store.base import Role
from malgwi.store.engine import Database
from malgwi.store.schema import user_account
from malgwi.store.sessions import Session
from malgwi.store.users import User

Begun = tuple[Session, str]
"""A session and its token, which is shown this once and never kept."""


class People:
    """Any thread may use it. Raises NotFound, and StoreGone and its kin."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- users

    def add(self, name: str, role: Role, password: str) -> User:
        """Raises BadInput for a name or a password that cannot be one, and Conflict for a name
        that is taken, in whatever case."""
        users.checked(name)
        kept = passwords.hashed(password)
        return self._database.write(lambda it: users.add(it, name, role, kept))

    def add_first(self, name: str, password: str, agent: str) -> Begun:
        """An administrator, who is signed in, where there is nobody: no user, and no key of an
        administrator. Raises Conflict where there is; of two that come at once one hears it."""
        users.checked(name)
        kept = passwords.hashed(password)
        token = sessions.new_token()

        def work(connection: Connection) -> Session:
            users.go_alone(connection)
            if not _nobody(connection):
                raise Conflict("There is an administrator here already. Sign in.")
            made = users.add(connection, name, Role.ADMIN, kept)
            made = users.change(connection, made.id, {"last_signed_in": datetime.now(UTC)})
            return sessions.begin(connection, token, made, agent)

        return self._database.write(work), token

    def nobody(self) -> bool:
        """Whether `add_first` would find nobody."""
        return self._database.read(_nobody)

    def users(self) -> tuple[User, ...]:
        """By name."""
        return self._database.read(users.listed)

    def named(self, name: str) -> User | None:
        row = self._database.read(lambda it: users.row_named(it, name))
        return None if row is None else users.user(row)

    def known(self, name: str) -> User:
        """As `named`. Raises NotFound where nobody has it."""
        if user := self.named(name):
            return user
        raise NotFound(f"There is no user called {name!r}.")

    def change(
        self,
        user_id: str,
        *,
        role: Role | None = None,
        password: str | None = None,
        disabled: bool | None = None,
    ) -> User:
        """What is None stays. Raises Conflict for the last administrator who can sign in."""
        kept = None if password is None else passwords.hashed(password)

        def work(connection: Connection) -> User:
            before = users.find(connection, user_id)
            values: dict[str, Any] = {}
            if role is not None and role is not before.role:
                values["role"] = role
            if kept is not None:
                values["password"] = kept
            if disabled is not None and disabled is (before.disabled is None):
                values["disabled"] = datetime.now(UTC) if disabled else None
            if not values:
                return before
            changed = users.change(connection, user_id, values)
            sessions.end_all(connection, user_id)
            return changed

        return self._database.write(work)

    def remove(self, user_id: str) -> User:
        """Who it was. Raises Conflict for the last administrator who can sign in."""
        return self._database.write(lambda it: users.remove(it, user_id))

    def is_administered(self) -> bool:
        """Whether an administrator can sign in."""
        return self._database.read(users.is_administered)

    def names(self) -> Mapping[str, str]:
        """Of users and keys, by their ids."""

        def work(connection: Connection) -> Mapping[str, str]:
            of_keys = {each.id: each.name for each in keys.listed(connection)}
            return of_keys | {each.id: each.name for each in users.listed(connection)}

        return self._database.read(work)

    # -- sessions

    def sign_in(self, name: str, password: str, agent: str) -> Begun | None:
        """None for a name that is unknown, a password that is wrong, and a user who is disabled;
        each takes as long."""
        row = self._database.read(lambda it: users.row_named(it, name))
        if not passwords.matches(None if row is None else row.password, password):
            return None
        assert row is not None
        kept = passwords.hashed(password) if passwords.is_outdated(row.password) else row.password
        return self._begin_where(row.id, row.password, kept, agent)

    def change_password(self, user_id: str, current: str, new: str, agent: str) -> Begun | None:
        """A new session, the only one of that user then; None where the current one is wrong."""
        row = self._database.read(lambda it: users.row_of(it, user_id))
        if not passwords.matches(None if row is None else row.password, current):
            return None
        assert row is not None
        kept = passwords.hashed(new)
        return self._begin_where(user_id, row.password, kept, agent, alone=True)

    def sign_in_by_key(self, presented: str, agent: str) -> Begun | None:
        """None where the key opens nothing."""
        token = sessions.new_token()

        def work(connection: Connection) -> Session | None:
            key = keys.opened_by(connection, presented)
            if key is None:
                return None
            keys.used(connection, key.id)
            return sessions.begin(connection, token, key, agent)

        begun = self._database.write(work)
        return None if begun is None else (begun, token)

    def begin_of_settings(self, proof: Callable[[str], str], agent: str) -> Begun:
        """For a key of the settings, with the proof that it makes with the token."""
        token = sessions.new_token()
        begun = self._database.write(
            lambda it: sessions.begin(it, token, None, agent, proof(token))
        )
        return begun, token

    def session(self, token: str) -> Session | None:
        """None where it has ended. It is used by this."""
        found = self._database.read(lambda it: sessions.opened_by(it, token))
        if found is not None and sessions.is_news(found):
            with suppress(StoreError):  # a disk that is full keeps nobody from reading
                self._database.write(lambda it: sessions.used(it, token))
        return found

    def end(self, token: str) -> None:
        self._database.write(lambda it: sessions.end(it, token))

    def _begin_where(
        self, user_id: str, before: str, after: str, agent: str, alone: bool = False
    ) -> Begun | None:
        """None where the password is another meanwhile, or the user may not sign in."""
        token = sessions.new_token()
        same = user_account.c.id == user_id, user_account.c.password == before
        values = {"password": after, "last_signed_in": datetime.now(UTC)}
        update = user_account.update().where(*same, user_account.c.disabled.is_(None))

        def work(connection: Connection) -> Session | None:
            if not connection.execute(update.values(values)).rowcount:
                return None
            if alone:
                sessions.end_all(connection, user_id)
            return sessions.begin(connection, token, users.find(connection, user_id), agent)

        begun = self._database.write(work)
        return None if begun is None else (begun, token)


def _nobody(connection: Connection) -> bool:
    administering = (each for each in keys.listed(connection) if each.administers)
    return not users.listed(connection) and not any(administering)
