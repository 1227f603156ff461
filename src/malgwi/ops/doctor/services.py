"""PORT and ENGINE: what listens, whether it is ours, and whether it hears what is said."""

import json
import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from malgwi import plugins
from malgwi.errors import EngineError, MalgwiError
from malgwi.ops.doctor.base import Found, check, fail, ok, skip, warn
from malgwi.ops.doctor.machine import Answer, Machine
from malgwi.ops.doctor.subject import Subject

_EVERYWHERE = ("0.0.0.0", "::", "")
_CANARY = 3.5  # seconds; an engine that is busy takes longer


@dataclass(frozen=True, slots=True)
class Served:
    """What a service answered, and when by this machine's clock."""

    answer: Answer
    at: float

    @property
    def facts(self) -> dict[str, Any]:
        try:
            told = json.loads(self.answer.body)
        except ValueError:
            return {}
        return told if isinstance(told, dict) else {}


def service(subject: Subject) -> Served | None:
    """What `malgwi serve` answers, at the address at which clients ask it."""
    return _asked(subject.machine, f"{subject.config.client.address.rstrip('/')}/health/live")


def engine(subject: Subject) -> Served | None:
    """What `malgwi engine` answers, here or where STT_ENDPOINT says."""
    return _asked(subject.machine, f"{_engine_address(subject)}/health/live")


@check(
    "PORT-001",
    looks="Is the port of malgwi serve free, or ours?",
    why="Where another program has it, the service does not start.",
    mend="See who has it: ss -ltnp. End that, or set MALGWI_SERVE__PORT.",
)
def serve_port(subject: Subject) -> Found:
    return _port(subject.machine, subject.config.serve.host, subject.config.serve.port)


@check(
    "PORT-002",
    looks="Is the port of malgwi engine free, or ours?",
    why="Where another program has it, the engine does not start.",
    mend="See who has it: ss -ltnp. End that, or set MALGWI_ENGINE__PORT.",
)
def engine_port(subject: Subject) -> Found:
    return _port(subject.machine, subject.config.engine.host, subject.config.engine.port)


@check(
    "PORT-003",
    looks="Is the port of Wyoming free, or ours?",
    why="Where another program has it, malgwi engine does not start.",
    mend="See who has it: ss -ltnp. End that, set MALGWI_ENGINE__WYOMING_PORT, or "
    "MALGWI_ENGINE__WYOMING=0.",
)
def wyoming_port(subject: Subject) -> Found:
    settings = subject.config.engine
    if not settings.wyoming or not settings.wyoming_port:
        return skip("Wyoming is not served, or on any port that is free.")
    host, port = _reachable(settings.wyoming_host), settings.wyoming_port
    if subject.machine.connects(host, port):
        return ok(f"Port {port} is free.")
    if subject.once(engine) is None and subject.once(service) is None:
        return warn(
            "Something listens on the port of Wyoming, and nothing of ours runs.",
            evidence=f"{host}:{port}",
        )
    return ok(f"Malgwi runs, and port {port} is open.")


@check(
    "PORT-004",
    looks="Are the ports ones that may be had, and different?",
    why="Below 1024 only root may listen, and no two services share a port.",
    mend="Choose ports above 1024 that differ; let nginx have 80 and 443.",
)
def ports(subject: Subject) -> Found:
    config = subject.config
    used = [config.serve.port, config.engine.port]
    used += [config.engine.wyoming_port] if config.engine.wyoming else []
    used = [each for each in used if each]
    if len(set(used)) < len(used):
        return fail("Two services would have the same port.", evidence=", ".join(map(str, used)))
    least = subject.machine.text("/proc/sys/net/ipv4/ip_unprivileged_port_start") or "1024"
    if os.geteuid() and (low := [each for each in used if each < int(least)]):
        return fail("Only root may listen there.", evidence=", ".join(map(str, low)))
    return ok(f"Ports {', '.join(map(str, used))}.")


@check(
    "ENGINE-001",
    looks="Is the engine of the settings installed, and does its library load?",
    why="Without it nothing is recognised.",
    mend="Run: pip install --no-index --find-links WHEELS 'malgwi[ENGINE]', or with a network "
    "without the first two.",
    seconds=4.5,
)
def installed(subject: Subject) -> Found:
    stt = subject.config.stt
    if stt.endpoint:
        return skip("Speech is recognised elsewhere: STT_ENDPOINT.")
    try:
        plugins.load("stt", stt.engine)
    except EngineError as error:
        return fail(f"The engine {stt.engine} cannot be used.", evidence=str(error))
    return ok(f"{stt.engine} loads.")


@check(
    "ENGINE-002",
    looks="Is the detector of speech installed, and does its library load?",
    why="Without it nothing is told from silence.",
    mend="Run: pip install --no-index --find-links WHEELS 'malgwi[silero]', or with a network "
    "without the first two.",
    seconds=4.5,
)
def detector(subject: Subject) -> Found:
    name = subject.config.vad.engine
    try:
        plugins.load("vad", name)
    except EngineError as error:
        return fail(f"The detector {name} cannot be used.", evidence=str(error))
    return ok(f"{name} loads.")


@check(
    "ENGINE-003",
    looks="Does the engine elsewhere answer?",
    why="With STT_ENDPOINT nothing is recognised on this machine.",
    mend="Start it, check the address; in a container 127.0.0.1 is the container: use "
    "host.docker.internal.",
    seconds=4.5,
)
def endpoint(subject: Subject) -> Found:
    address = subject.config.stt.endpoint
    if not address:
        return skip("Speech is recognised on this machine.")
    parts = urlsplit(address if "://" in address else f"http://{address}")
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if why := subject.machine.connects(host, port):
        cause = ""
        if (
            host in ("127.0.0.1", "localhost", "::1")
            and subject.machine.path("/.dockerenv").exists()
        ):
            cause = "In a container this address is the container itself."
        return fail(
            "The engine elsewhere does not answer.", evidence=f"{host}:{port}: {why}", cause=cause
        )
    from malgwi import stt

    try:
        return ok(f"{stt.probe(address)} answers at {host}:{port}.")
    except MalgwiError as error:
        return fail("What answers is no engine that can be used.", evidence=str(error))


@check(
    "ENGINE-004",
    looks="Does malgwi serve transcribe what is known?",
    why="A process can be alive and deaf; the service has each engine hear a known recording.",
    mend="Its log says why. Restart it; then malgwi doctor --canary tries the engine by itself.",
    seconds=4.5,
)
def serving(subject: Subject) -> Found:
    if subject.once(service) is None:
        return skip("No service answers at MALGWI_CLIENT__ADDRESS.")
    return _heard(subject.machine, subject.config.client.address.rstrip("/"))


@check(
    "ENGINE-005",
    looks="Does malgwi engine transcribe what is known?",
    why="A process can be alive and deaf; the service has each engine hear a known recording.",
    mend="Its log says why. Restart it; then malgwi doctor --canary tries the engine by itself.",
    seconds=4.5,
)
def hearing(subject: Subject) -> Found:
    if subject.once(engine) is None:
        return skip("No engine of ours answers.")
    return _heard(subject.machine, _engine_address(subject))


@check(
    "ENGINE-006",
    looks="Does an engine that is loaded here transcribe what is known?",
    why="It proves model, library and device together, without a service.",
    mend="See GPU, LIB and MODEL. STT_DEVICE=cpu meanwhile.",
    seconds=120.0,
)
def canary(subject: Subject) -> Found:
    if subject.canary is None:
        return skip("It takes a while; --canary asks for it.")
    try:
        took = subject.canary()
    except MalgwiError as error:
        return fail("The engine does not hear what is said.", evidence=str(error))
    if took is None:
        return skip("The engine knows no English, and the canary speaks no other language.")
    return ok(f"It was heard rightly, in {took:.1f} s.")


def _heard(machine: Machine, address: str) -> Found:
    """The canary over HTTP: /health/ready is a transcription."""
    found = _asked(machine, f"{address}/health/ready", _CANARY)
    if found is None:
        return warn(
            "It is alive, and has not answered the canary in time.", evidence=f"{_CANARY:g} s"
        )
    status = str(found.facts.get("status", found.answer.status))
    reasons = [
        str(each["fallback_reason"])
        for each in found.facts.get("engines", [])
        if each.get("fallback_reason")
    ]
    evidence = f"{address}/health/ready: {status}"
    if found.answer.status != 200:
        return fail("The service is running and not ready.", evidence=evidence)
    if status == "degraded":
        return warn(
            "It works, but not as was asked for.", evidence=evidence, cause=" ".join(reasons)
        )
    return ok("It was heard rightly.", evidence)


def _port(machine: Machine, host: str, port: int) -> Found:
    if port == 0:
        return skip("Any port that is free is taken.")
    host = _reachable(host)
    if machine.connects(host, port):
        return ok(f"Port {port} is free.")
    found = _asked(machine, f"http://{host}:{port}/health/live")
    if found is None or "status" not in found.facts:
        return fail(
            "Another program has the port.", evidence=f"{host}:{port} answers, and not as Malgwi"
        )
    return ok(f"Malgwi answers on port {port}.")


def _asked(machine: Machine, url: str, seconds: float = 1.0) -> Served | None:
    try:
        return Served(machine.get(url, seconds), machine.now())
    except (OSError, ValueError):
        return None


def _engine_address(subject: Subject) -> str:
    settings, elsewhere = subject.config.engine, subject.config.stt.endpoint
    if elsewhere:
        return elsewhere.rstrip("/").removesuffix("/v1")
    return f"http://{_reachable(settings.host)}:{settings.port}"


def _reachable(host: str) -> str:
    host = "127.0.0.1" if host in _EVERYWHERE else host
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


CHECKS = (
    serve_port, engine_port, wyoming_port, ports,
    installed, detector, endpoint, serving, hearing, canary,
)  # fmt: skip
