"""People who sign in to a service: an administrator, an editor and a viewer."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page
from test_library import Library

PASSWORD = "correct 말귀 battery"
SAME_ORIGIN = {"sec-fetch-site": "same-origin"}


@dataclass(frozen=True)
class Staff:
    """A service; its `http` is signed in as anna."""

    service: Library

    @classmethod
    def of(cls, service: Library) -> "Staff":
        service.http.headers.update(SAME_ORIGIN)
        made = service.http.post("/v1/users/first", json={"name": "anna", "password": PASSWORD})
        assert made.status_code == 201, made.text
        staff = cls(service)
        staff.add("bert", "editor")
        staff.add("cara", "viewer")
        return staff

    @property
    def url(self) -> str:
        return str(self.service.http.base_url)

    def add(self, name: str, role: str) -> dict[str, Any]:
        wanted = {"name": name, "role": role, "password": PASSWORD}
        made = self.service.http.post("/v1/users", json=wanted)
        assert made.status_code == 201, made.text
        user: dict[str, Any] = made.json()
        return user

    def end_sessions(self, user: dict[str, Any]) -> None:
        """They have to sign in again."""
        path = f"/v1/users/{user['id']}"
        assert self.service.http.patch(path, json={"password": PASSWORD}).is_success


def signed_in(page: Page, name: str, password: str = PASSWORD) -> Page:
    answer = page.request.post("/v1/session", data={"name": name, "password": password})
    assert answer.ok, answer.text()
    return page


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """On the page that asks for it."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
