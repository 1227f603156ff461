"""Who signs in is who they say, stays signed in for a while, and can be kept out at once."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from store.full_disk import without_room
from store.kept import NASTY

from malgwi.errors import BadInput, Conflict, MalgwiError, NotFound
from malgwi.store import Begun, Database, People, Place, Role, Session, SqlStore, User
from malgwi.store.schema import session, user_account

PASSWORD = "correct 말귀 battery"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def kind(request: pytest.FixtureRequest) -> str:
    """Which database; hashing a password takes long, as it should."""
    return str(request.param)


@pytest.fixture
def people(database: Database) -> People:
    return People(database)


def token_of(begun: Begun | None) -> str:
    assert begun is not None
    return begun[1]


def holder(found: Session | None) -> Any:
    assert found is not None
    return found.holder


@pytest.mark.parametrize("kind", ["sqlite"])
def test_who_is_signed_in_stays_so_where_the_disk_is_full(
    people: People, database: Database
) -> None:
    people.add("Anna", Role.EDITOR, PASSWORD)
    token = token_of(people.sign_in("Anna", PASSWORD, "a browser"))
    age(database, {"last_seen": timedelta(hours=1)})

    with without_room():
        assert people.session(token) is not None


def test_who_signs_in_is_known_by_the_token_until_the_session_is_ended(people: People) -> None:
    anna = people.add("Anna", Role.EDITOR, PASSWORD)
    assert anna.last_signed_in is None

    begun = people.sign_in("Anna", PASSWORD, NASTY * 9)

    found = people.session(token_of(begun))
    assert holder(found) == people.named("anna")
    assert holder(found).last_signed_in is not None
    assert found is not None
    assert timedelta(hours=11) < found.expires - datetime.now(UTC) <= timedelta(hours=12)
    assert timedelta(days=29) < found.ends - datetime.now(UTC) <= timedelta(days=30)
    people.end(token_of(begun))
    assert people.session(token_of(begun)) is None


def test_a_name_is_one_however_it_is_written(people: People) -> None:
    people.add(normalize("NFD", "김Straße"), Role.VIEWER, PASSWORD)

    assert people.users()[0].name == "김Straße"
    assert people.sign_in(normalize("NFD", "김STRASSE"), normalize("NFD", PASSWORD), "")
    with pytest.raises(Conflict, match="of that name"):
        people.add("김strasse", Role.VIEWER, PASSWORD)


def test_nobody_signs_in_with_a_wrong_password_an_unknown_name_or_disabled(people: People) -> None:
    anna = people.add("anna", Role.VIEWER, PASSWORD)

    assert people.sign_in("anna", PASSWORD.upper(), "") is None
    assert people.sign_in("anna", "", "") is None
    assert people.sign_in("hanna", PASSWORD, "") is None
    people.change(anna.id, disabled=True)
    assert people.sign_in("anna", PASSWORD, "") is None
    people.change(anna.id, disabled=False)
    assert people.sign_in("anna", PASSWORD, "")


def test_the_time_does_not_tell_whether_there_is_a_user_of_that_name(people: People) -> None:
    people.add("anna", Role.VIEWER, PASSWORD)
    people.sign_in("nobody", "a first one", "")  # what later ones are compared with is made once

    took = {name: min(seconds_of(people, name) for _ in range(3)) for name in ("anna", "hanna")}

    assert took["hanna"] > took["anna"] / 3


def seconds_of(people: People, name: str) -> float:
    began = time.perf_counter()
    assert people.sign_in(name, "a wrong one", "") is None
    return time.perf_counter() - began


@pytest.mark.parametrize("name", ["", "a" * 65, " a", "a\n", "a\0", "\ud800", "\u200b"])
def test_a_name_that_nobody_could_type_is_refused(people: People, name: str) -> None:
    with pytest.raises(BadInput):
        people.add(name, Role.VIEWER, PASSWORD)


@pytest.mark.parametrize(
    "password", ["", "1234567", "p" * 1025, "p" * 9 + "\0", "p" * 9 + "\ud800"]
)
def test_a_password_that_cannot_be_one_is_refused_without_being_said(
    people: People, password: str
) -> None:
    with pytest.raises(BadInput) as refused:
        people.add("anna", Role.VIEWER, password)

    assert not password or password not in str(refused.value)
    assert people.users() == ()


def test_of_passwords_and_tokens_only_hashes_are_kept(people: People, database: Database) -> None:
    people.add("anna", Role.VIEWER, PASSWORD)
    token = token_of(people.sign_in("anna", PASSWORD, "a browser"))

    user = database.read(lambda it: it.execute(sa.select(user_account)).one())
    kept = database.read(lambda it: it.execute(sa.select(session)).one())

    assert user.password.startswith("$argon2id$")
    assert PasswordHasher().verify(user.password, PASSWORD)
    assert kept.sha256 == sha256(token.encode()).hexdigest()
    assert all(token not in str(value) for value in kept)


def test_a_password_is_hashed_anew_when_the_parameters_have_changed(
    people: People, database: Database
) -> None:
    people.add("anna", Role.VIEWER, PASSWORD)
    old = PasswordHasher.from_parameters(CHEAPEST).hash(PASSWORD)
    database.write(lambda it: it.execute(user_account.update().values(password=old)))

    assert people.sign_in("anna", PASSWORD, "")

    kept = database.read(lambda it: it.execute(sa.select(user_account.c.password)).scalar_one())
    assert not PasswordHasher().check_needs_rehash(kept)
    assert people.sign_in("anna", PASSWORD, "")


@pytest.mark.parametrize(
    "since",
    [
        {"last_seen": timedelta(hours=12)},
        {"expires": timedelta(0)},
    ],
)
def test_a_session_ends_when_nobody_uses_it_and_at_last(
    people: People, database: Database, since: dict[str, timedelta]
) -> None:
    people.add("anna", Role.VIEWER, PASSWORD)
    token = token_of(people.sign_in("anna", PASSWORD, ""))
    age(database, since)

    assert people.session(token) is None

    people.sign_in("anna", PASSWORD, "")
    rows = database.read(lambda it: it.execute(sa.select(session)).all())
    assert len(rows) == 1, "what has expired is removed"


def test_a_session_that_is_used_goes_on(people: People, database: Database) -> None:
    people.add("anna", Role.VIEWER, PASSWORD)
    token = token_of(people.sign_in("anna", PASSWORD, ""))
    age(database, {"last_seen": timedelta(hours=11)})

    assert people.session(token)

    found = people.session(token)
    assert found is not None
    assert datetime.now(UTC) - found.last_seen < timedelta(minutes=1)
    assert people.session(token) == found, "each use would be a write"


@pytest.mark.parametrize(
    "change", [{"password": "another password"}, {"role": Role.EDITOR}, {"disabled": True}]
)
def test_what_is_changed_about_a_user_ends_their_sessions_and_no_others(
    people: People, change: dict[str, Any]
) -> None:
    anna = people.add("anna", Role.VIEWER, PASSWORD)
    people.add("bert", Role.VIEWER, PASSWORD)
    hers = [token_of(people.sign_in("anna", PASSWORD, "")) for _ in range(2)]
    his = token_of(people.sign_in("bert", PASSWORD, ""))

    people.change(anna.id, **change)

    assert [people.session(each) for each in hers] == [None, None]
    assert people.session(his)


def test_what_stays_as_it_was_ends_no_session(people: People) -> None:
    anna = people.add("anna", Role.VIEWER, PASSWORD)
    token = token_of(people.sign_in("anna", PASSWORD, ""))

    people.change(anna.id, role=Role.VIEWER, disabled=False)

    assert people.session(token)


def test_who_is_removed_is_signed_out_and_the_name_is_free(people: People) -> None:
    anna = people.add("anna", Role.VIEWER, PASSWORD)
    token = token_of(people.sign_in("anna", PASSWORD, ""))

    people.remove(anna.id)

    assert people.session(token) is None
    assert people.users() == ()
    with pytest.raises(NotFound):
        people.remove(anna.id)
    with pytest.raises(NotFound):
        people.change(anna.id, role=Role.ADMIN)
    assert people.add("anna", Role.VIEWER, PASSWORD).id != anna.id


def test_ones_own_password_is_changed_by_who_knows_it(people: People) -> None:
    anna = people.add("anna", Role.VIEWER, PASSWORD)
    before = token_of(people.sign_in("anna", PASSWORD, ""))

    assert people.change_password(anna.id, "a wrong one", "another password", "") is None
    assert people.session(before)
    with pytest.raises(BadInput):
        people.change_password(anna.id, PASSWORD, "short", "")
    after = token_of(people.change_password(anna.id, PASSWORD, "another password", ""))

    assert people.session(before) is None
    assert people.session(after)
    assert people.sign_in("anna", PASSWORD, "") is None
    assert people.sign_in("anna", "another password", "")


def test_the_last_administrator_who_can_sign_in_stays_one(people: People) -> None:
    anna = people.add("anna", Role.ADMIN, PASSWORD)
    bert = people.add("bert", Role.ADMIN, PASSWORD)
    people.change(bert.id, disabled=True)

    changes: list[dict[str, Any]] = [{"disabled": True}, {"role": Role.EDITOR}]
    for change in changes:
        with pytest.raises(Conflict, match="last administrator"):
            people.change(anna.id, **change)
    with pytest.raises(Conflict, match="last administrator"):
        people.remove(anna.id)
    assert people.is_administered()
    people.change(bert.id, disabled=False)
    people.remove(anna.id)
    assert [each.name for each in people.users()] == ["bert"]


def test_of_two_administrators_who_remove_each_other_at_once_one_stays(people: People) -> None:
    both = [people.add(name, Role.ADMIN, PASSWORD) for name in ("anna", "bert")]

    with ThreadPoolExecutor() as threads:
        results = list(threads.map(lambda each: tried(lambda: people.remove(each.id)), both))

    assert len(people.users()) == 1
    assert sum(isinstance(each, Conflict) for each in results) == 1


def test_there_is_one_first_administrator_however_many_want_to_be(people: People) -> None:
    assert people.nobody()

    with ThreadPoolExecutor() as threads:
        results = list(
            threads.map(
                lambda name: tried(lambda: people.add_first(name, PASSWORD, "")), ("a", "b", "c")
            )
        )

    assert sum(isinstance(each, Conflict) for each in results) == 2
    [token] = [each[1] for each in results if isinstance(each, tuple)]
    assert holder(people.session(token)) == people.users()[0]
    assert people.users()[0].role is Role.ADMIN
    assert not people.nobody()


def test_where_an_administrator_has_a_key_nobody_is_the_first(store: SqlStore) -> None:
    people = People(store.database)
    store.new_key("viewer", Role.VIEWER)
    assert people.nobody()
    store.new_key("admin", Role.ADMIN)

    with pytest.raises(Conflict):
        people.add_first("anna", PASSWORD, "")

    assert people.users() == ()


def test_a_session_of_a_key_ends_with_the_key(store: SqlStore) -> None:
    people = People(store.database)
    soon = datetime.now(UTC) + timedelta(hours=1)
    made, plain = store.new_key("console", Role.EDITOR, soon)

    begun = people.sign_in_by_key(plain, "")

    found = people.session(token_of(begun))
    assert found is not None
    assert found.expires == soon
    assert holder(found).name == "console"
    store.revoke_key(made.id)
    assert people.session(token_of(begun)) is None
    assert people.sign_in_by_key(plain, "") is None


def test_names_are_known_by_the_ids_that_others_keep(store: SqlStore) -> None:
    people = People(store.database)
    anna = people.add("안나", Role.VIEWER, PASSWORD)
    key, _ = store.new_key("console", Role.VIEWER)

    assert people.names() == {anna.id: "안나", key.id: "console"}


def test_who_is_signed_in_is_in_no_backup(store: SqlStore, url: str, data: Path) -> None:
    people = People(store.database)
    people.add("anna", Role.VIEWER, PASSWORD)
    people.sign_in("anna", PASSWORD, "")
    (data / "dump").mkdir()

    made = Place(url, data).dump(data / "dump")

    assert made.tables["user_account"].count == 1
    assert "session" not in made.tables


@pytest.mark.parametrize("token", ["", "A" * 43, "é\udcff", "\ud800\0"])
def test_a_token_that_nobody_was_given_opens_nothing(people: People, token: str) -> None:
    assert people.session(token) is None
    people.end(token)


def age(database: Database, columns: dict[str, timedelta]) -> None:
    """As if the moments of all sessions were so long ago."""
    values = {name: datetime.now(UTC) - since for name, since in columns.items()}
    database.write(lambda it: it.execute(session.update().values(values)))


def tried(work: Any) -> User | Begun | MalgwiError:
    try:
        found: User | Begun = work()
    except MalgwiError as error:
        return error
    return found
