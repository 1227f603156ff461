import asyncio
from pathlib import Path
from threading import Event

import httpx
import pytest
from gateway.doors import Doors, doors
from gateway.serving import serving, until
from starlette.testclient import TestClient

from malgwi.gateway import Readiness

READY = {"engine": "whisper", "state": "ready", "fallback_reason": None}


@pytest.mark.parametrize(
    ("found", "status", "word"),
    [
        (Readiness(True, [READY]), 200, "ok"),
        (Readiness(True, [READY, {**READY, "state": "wedged"}]), 200, "degraded"),
        (Readiness(True, [{**READY, "fallback_reason": "no GPU"}]), 200, "degraded"),
        (Readiness(False, [{**READY, "state": "loading"}]), 503, "loading model"),
        (Readiness(False, [{**READY, "state": "wedged"}]), 503, "unavailable"),
        (Readiness(False), 503, "unavailable"),
    ],
)
@pytest.mark.parametrize("path", ["/health", "/health/ready", "/v1/health"])
def test_health_says_how_the_engines_are(  # noqa: PLR0913, PLR0917  (a row of the table)
    opened: Doors, client: TestClient, found: Readiness, status: int, word: str, path: str
) -> None:
    opened.engines.found = found

    answer = client.get(path)

    assert answer.status_code == status
    assert answer.json() == {"status": word, "engines": list(found.engines)}


def test_a_process_that_cannot_go_on_is_not_live(opened: Doors, client: TestClient) -> None:
    assert client.get("/health/live").status_code == 200

    opened.engines.alive = False

    assert client.get("/health/live").status_code == 503


def test_a_process_is_live_while_its_engines_are_not_ready(
    opened: Doors, client: TestClient
) -> None:
    opened.engines.found = Readiness(False)

    assert client.get("/health/live").status_code == 200
    assert opened.engines.looks == 0


def test_head_is_answered_too(client: TestClient) -> None:
    assert client.head("/health").status_code == 200


def test_all_who_ask_at_the_same_time_share_one_look(tmp_path: Path) -> None:
    async def ask(port: int, opened: Doors) -> list[int]:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            asked = [asyncio.create_task(client.get("/health/ready")) for _ in range(20)]
            await asyncio.to_thread(until, lambda: opened.engines.looks)
            assert (await client.get("/health/live")).status_code == 200
            assert opened.engines.hold
            opened.engines.hold.set()
            return [(await each).status_code for each in asked]

    with doors(tmp_path / "spool") as opened, serving(opened.app) as port:
        opened.engines.hold = Event()

        answers = asyncio.run(ask(port, opened))

    assert answers == [200] * 20
    assert opened.engines.looks == 1


def test_a_look_does_not_stay_good_for_long(opened: Doors, client: TestClient) -> None:
    assert client.get("/health/ready").status_code == 200

    opened.engines.found = Readiness(False)

    until(lambda: client.get("/health/ready").status_code == 503)
