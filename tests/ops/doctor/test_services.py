"""Ports and engines: real sockets and servers, ours and others'."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from ops.doctor.pretended import assert_amiss, look, pretend, subject

from malgwi.errors import EngineFailed
from malgwi.ops.doctor import Subject

ALIVE = {"status": "ok"}


@dataclass
class Service:
    """A service that answers what it is told to."""

    answers: dict[str, tuple[int, Any]]
    port: int = 0
    go_on: Event = field(default_factory=Event)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def service() -> Iterator[Service]:
    state = Service({"/health/live": (200, ALIVE), "/health/ready": (200, ALIVE)})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = state.answers.get(self.path, (404, {"detail": "no"}))
            if body is None:
                state.go_on.wait(30)
                return
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_port
    Thread(target=server.serve_forever, daemon=True).start()
    yield state
    state.go_on.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def free() -> int:
    with closing(socket.socket()) as each:
        each.bind(("127.0.0.1", 0))
        return int(each.getsockname()[1])


@pytest.fixture
def taken() -> Iterator[int]:
    """The port of a program that is none of ours, and speaks no HTTP."""
    with closing(socket.create_server(("127.0.0.1", 0))) as each:
        yield int(each.getsockname()[1])


def patient(tmp_path: Path, **settings: Any) -> Subject:
    return subject(pretend(tmp_path), tmp_path, settings)


PORTS = {"PORT-001": ("serve", "port"), "PORT-002": ("engine", "port")}


@pytest.mark.parametrize("id", PORTS)
def test_a_port_that_is_free_or_ours_is_well(
    id: str, free: int, service: Service, tmp_path: Path
) -> None:
    part, name = PORTS[id]

    assert look(id, patient(tmp_path, **{part: {name: free}})).state == "ok"
    assert look(id, patient(tmp_path, **{part: {name: service.port}})).state == "ok"
    assert look(id, patient(tmp_path, **{part: {name: 0}})).state == "skip"


@pytest.mark.parametrize("id", PORTS)
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_port_that_another_program_has_is_said(
    id: str, host: str, taken: int, tmp_path: Path
) -> None:
    part, name = PORTS[id]

    found = look(id, patient(tmp_path, **{part: {name: taken, "host": host}}))

    assert_amiss(found, "fail", str(taken))
    assert found.seconds < 3


def test_another_web_server_is_not_taken_for_ours(service: Service, tmp_path: Path) -> None:
    service.answers = {"/health/live": (200, b"<html>It works!</html>")}

    assert_amiss(look("PORT-001", patient(tmp_path, serve={"port": service.port})), "fail")


def test_the_port_of_wyoming(free: int, taken: int, service: Service, tmp_path: Path) -> None:
    wyoming = {"wyoming_port": taken, "port": free}

    assert_amiss(look("PORT-003", patient(tmp_path, engine=wyoming)), "warn", str(taken))
    ours = {**wyoming, "port": service.port}
    assert look("PORT-003", patient(tmp_path, engine=ours)).state == "ok"
    serve = {"client": {"address": service.address}}
    assert look("PORT-003", patient(tmp_path, engine=wyoming, **serve)).state == "ok"
    assert look("PORT-003", patient(tmp_path, engine={"wyoming_port": free})).state == "ok"
    assert look("PORT-003", patient(tmp_path, engine={"wyoming": False})).state == "skip"


def test_ports_that_are_the_same_are_said(tmp_path: Path) -> None:
    assert look("PORT-004", patient(tmp_path)).state == "ok"
    assert_amiss(look("PORT-004", patient(tmp_path, serve={"port": 8003})), "fail", "8003")


def test_an_engine_that_is_not_installed_or_unknown_is_said(tmp_path: Path) -> None:
    assert_amiss(look("ENGINE-001", patient(tmp_path, stt={"engine": "whispr"})), "fail", "whispr")
    assert_amiss(look("ENGINE-002", patient(tmp_path, vad={"engine": "sileo"})), "fail", "sileo")


def test_an_engine_that_is_installed_loads(tmp_path: Path) -> None:
    assert look("ENGINE-001", patient(tmp_path, stt={"engine": "scripted"})).state == "ok"
    assert look("ENGINE-002", patient(tmp_path, vad={"engine": "energy"})).state == "ok"
    assert look("ENGINE-001", patient(tmp_path, stt={"endpoint": "http://x"})).state == "skip"


def test_an_engine_elsewhere_that_answers_is_well(service: Service, tmp_path: Path) -> None:
    service.answers["/v1/models"] = (200, {"data": [{"id": "whisper-1"}]})

    found = look("ENGINE-003", patient(tmp_path, stt={"endpoint": service.address}))

    assert (found.state, "openai-http" in found.symptom) == ("ok", True)


def test_an_engine_elsewhere_that_is_none_or_gone_is_said(
    service: Service, free: int, tmp_path: Path
) -> None:
    none = look("ENGINE-003", patient(tmp_path, stt={"endpoint": service.address}))
    gone = look("ENGINE-003", patient(tmp_path, stt={"endpoint": f"http://127.0.0.1:{free}"}))

    assert_amiss(none, "fail", "no engine")
    assert_amiss(gone, "fail", "refused")


def test_an_engine_on_loopback_is_another_inside_a_container(free: int, tmp_path: Path) -> None:
    machine = pretend(tmp_path, {"/.dockerenv": ""})
    settings = {"stt": {"endpoint": f"http://127.0.0.1:{free}"}}

    found = look("ENGINE-003", subject(machine, tmp_path, settings))

    assert_amiss(found, "fail", "the container itself")
    assert "host.docker.internal" in found.remedy


HEARD = {
    "well": (200, {"status": "ok", "engines": []}, "ok"),
    "running and not ready": (503, {"status": "loading model"}, "fail"),
    "deaf": (503, {"status": "unavailable"}, "fail"),
    "fallen back": (
        200,
        {"status": "degraded", "engines": [{"fallback_reason": "cuda was asked for, cpu is used"}]},
        "warn",
    ),
}


@pytest.mark.parametrize("case", HEARD.values(), ids=HEARD)
@pytest.mark.parametrize("id", ["ENGINE-004", "ENGINE-005"])
def test_a_service_is_asked_whether_it_hears(
    id: str, case: tuple[int, Any, str], service: Service, tmp_path: Path
) -> None:
    status, body, state = case
    service.answers["/health/ready"] = (status, body)
    settings = {"client": {"address": service.address}, "engine": {"port": service.port}}

    found = look(id, patient(tmp_path, **settings))

    assert found.state == state
    if state == "warn":
        assert "cpu is used" in found.cause


@pytest.mark.slow
def test_a_service_that_takes_long_is_no_failure(service: Service, tmp_path: Path) -> None:
    service.answers["/health/ready"] = (200, None)

    found = look("ENGINE-004", patient(tmp_path, client={"address": service.address}))

    assert_amiss(found, "warn", "in time")


def test_without_a_service_there_is_none_to_ask(free: int, tmp_path: Path) -> None:
    settings = {"engine": {"port": free}}

    assert look("ENGINE-004", patient(tmp_path, **settings)).state == "skip"
    assert look("ENGINE-005", patient(tmp_path, **settings)).state == "skip"


def deaf() -> float:
    raise EngineFailed("whisper-base on cuda cannot be trusted: the canary came back as marks.")


def test_the_canary_is_heard_here_where_that_is_asked_for(tmp_path: Path) -> None:
    machine = pretend(tmp_path)

    assert look("ENGINE-006", subject(machine, tmp_path)).state == "skip"
    assert look("ENGINE-006", subject(machine, tmp_path, canary=lambda: 0.4)).state == "ok"
    assert look("ENGINE-006", subject(machine, tmp_path, canary=lambda: None)).state == "skip"
    assert_amiss(look("ENGINE-006", subject(machine, tmp_path, canary=deaf)), "fail", "marks")
