"""The console's way to the API: with the cookie of whoever is signed in, and no other."""

from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import httpx

COOKIE = "malgwi_session"
SECONDS = 30.0
"""That an answer may take."""


class Refused(Exception):
    """The API said no, or nothing; `str()` of it is what it said, for people."""

    def __init__(self, status: int, detail: str, body: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        """0 where it did not answer."""
        self.body = body or {}

    @property
    def signed_out(self) -> bool:
        return self.status == 401


@dataclass(frozen=True, slots=True)
class Me:
    """Who is signed in."""

    name: str | None
    role: str
    user: str | None
    open: bool
    """Whether nobody has to sign in here."""
    first: bool
    """Whether the first administrator can be made."""

    def may(self, role: str) -> bool:
        order = ("admin", "editor", "viewer")
        return order.index(self.role) <= order.index(role)


@dataclass(slots=True)
class Api:
    """As one person."""

    client: httpx.AsyncClient
    cookie: str | None
    """Another one after they signed in again."""
    language: str = "en"

    async def me(self) -> Me | None:
        """None where nobody is signed in, and somebody has to be."""
        try:
            said = await self.get("/v1/session")
        except Refused as refused:
            if refused.signed_out:
                return None
            raise
        return Me(
            said.get("name"),
            said["role"],
            said.get("user"),
            bool(said.get("open")),
            bool(said.get("first")),
        )

    async def get(self, path: str, **query: Any) -> Any:
        wanted = {name: value for name, value in query.items() if value not in (None, "")}
        return await self.ask("GET", path, params=wanted)

    async def post(self, path: str, body: Any = None) -> Any:
        return await self.ask("POST", path, json=body)

    async def patch(self, path: str, body: Any) -> Any:
        return await self.ask("PATCH", path, json=body)

    async def put(self, path: str, body: Any) -> Any:
        return await self.ask("PUT", path, json=body)

    async def delete(self, path: str) -> Any:
        return await self.ask("DELETE", path)

    async def ask(self, method: str, path: str, **how: Any) -> Any:
        """The answer, read as JSON; None for one without a body. Raises Refused."""
        headers = {"sec-fetch-site": "same-origin", "accept-language": self.language}
        if self.cookie:
            headers["cookie"] = f"{COOKIE}={self.cookie}"
        try:
            answer = await self.client.request(method, path, headers=headers, **how)
        except httpx.HTTPError as error:
            raise Refused(0, "") from error
        if answer.is_error:
            raise _refused(answer)
        return answer.json() if answer.content else None


def client(transport: httpx.AsyncBaseTransport, address: str) -> httpx.AsyncClient:
    """One for everybody: it keeps no cookie, so that nobody gets that of another."""
    made = httpx.AsyncClient(transport=transport, base_url=address, timeout=SECONDS)
    made.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return made


def _refused(answer: httpx.Response) -> Refused:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return Refused(answer.status_code, f"HTTP {answer.status_code}")
    return Refused(answer.status_code, str(body.get("detail") or body.get("error") or ""), body)
