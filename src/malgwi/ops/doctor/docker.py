"""DOCK: Docker, as far as compose needs it. Without a compose file nobody needs it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malgwi.devices import diagnose, numbers
from malgwi.ops.doctor.base import Found, State, check, fail, ok, size, skip, warn
from malgwi.ops.doctor.compose import plugin
from malgwi.ops.doctor.machine import Machine, first_line
from malgwi.ops.doctor.subject import Subject, inventory

_ENGINE, _COMPOSE, _BUILDX = (24, 0), (2, 30), (0, 17)
_ROOM = 10_000_000_000
_NOT_THERE = "Docker is not here."
_SILENT = "Docker does not answer; DOCK-002 says why."


@dataclass(frozen=True, slots=True)
class Engine:
    """What `docker info` says."""

    fault: str | None
    """What the client says where the engine does not answer."""
    info: Mapping[str, Any] = field(default_factory=dict)


def engine(subject: Subject) -> Engine | None:
    """None where there is no docker."""
    said = subject.machine.run("docker", "info", "--format", "{{json .}}", seconds=2.5)
    if said is None:
        return None
    try:
        info = json.loads(said.out or "{}")
    except ValueError:
        info = {}
    errors = info.get("ServerErrors") or []
    if said.code or errors or not info.get("ServerVersion"):
        return Engine(
            "; ".join(errors) or first_line(said) or f"docker info ended with {said.code}"
        )
    return Engine(None, info)


@check(
    "DOCK-001",
    looks="Is Docker here, where a compose file is named?",
    why="Images and compose files need it; malgwi serve by itself does not.",
    mend="Install the packages carried over: dpkg -i docker-ce_*.deb docker-ce-cli_*.deb "
    "containerd.io_*.deb docker-compose-plugin_*.deb. Or do without: malgwi serve.",
)
def client(subject: Subject) -> Found:
    if subject.machine.has("docker"):
        return ok("It is.")
    if subject.compose:
        return fail("There is a compose file, and no Docker.", evidence=str(subject.compose[0]))
    return skip("It is not, and nothing here needs it.")


@check(
    "DOCK-002",
    looks="Does the Docker engine answer this user?",
    why="Containers cannot be started or looked at without it.",
    mend="Run: sudo systemctl start docker; or sudo usermod -aG docker $USER, and sign in anew.",
)
def answers(subject: Subject) -> Found:
    found = subject.once(engine)
    if found is None:
        return skip(_NOT_THERE)
    if not found.fault:
        return ok(f"Docker {found.info['ServerVersion']} answers.")
    known = diagnose(found.fault, subject.once(inventory))
    state = State.FAIL if subject.compose else State.WARN
    cause, remedy = (known.cause, known.remedy) if known else ("", "")
    return Found(state, "Docker is installed and does not answer.", found.fault, cause, remedy)


@check(
    "DOCK-003",
    looks="Is the engine new enough?",
    why="Older ones lack what the images and compose files use.",
    mend="Install Docker 24 or newer, from packages carried over: dpkg -i docker-ce_*.deb.",
)
def version(subject: Subject) -> Found:
    found = subject.once(engine)
    if found is None or found.fault:
        return skip(_SILENT if found else _NOT_THERE)
    said = str(found.info["ServerVersion"])
    if _older(said, _ENGINE):
        return warn("Docker is old.", evidence=said)
    return ok(f"Docker {said}.")


@check(
    "DOCK-004",
    looks="Is compose here, as a plugin and new enough?",
    why="Older ones do not know gpus:, conditions or secrets as the files use them; v1 knows none "
    "of it.",
    mend="Put the plugin docker-compose, 2.30 or newer, into ~/.docker/cli-plugins, or dpkg -i "
    "docker-compose-plugin_*.deb.",
)
def compose(subject: Subject) -> Found:
    if not subject.machine.has("docker"):
        return skip(_NOT_THERE)
    said = subject.once(plugin)
    wanted = State.FAIL if subject.compose else State.WARN
    if said is None or said.code:
        old = " The old docker-compose is no substitute." * subject.machine.has("docker-compose")
        return Found(wanted, f"There is no docker compose.{old}", "docker compose version")
    if _older(said.out, _COMPOSE):
        return Found(wanted, "Compose is too old.", f"{said.out.strip()}, 2.30 is needed")
    return ok(f"Compose {said.out.strip()}.")


@check(
    "DOCK-005",
    looks="Is buildx here, for whoever builds images?",
    why="Images are built with BuildKit's cache and secrets; a bundle brings them built.",
    mend="Put the plugin docker-buildx into ~/.docker/cli-plugins; or use images from a bundle.",
)
def buildx(subject: Subject) -> Found:
    if not subject.machine.has("docker"):
        return skip(_NOT_THERE)
    said = subject.machine.run("docker", "buildx", "version")
    if said is None or said.code:
        return skip("It is not, and only who builds images needs it.")
    words = [each.lstrip("v") for each in said.out.split() if each.lstrip("v")[:1].isdigit()]
    if words and _older(words[0], _BUILDX):
        return warn("Buildx is old.", evidence=words[0])
    return ok(f"Buildx {words[0] if words else 'is here'}.")


@check(
    "DOCK-006",
    looks="Is it a Docker that can give containers a GPU?",
    why="Docker as a snap and Docker Desktop cannot use the NVIDIA toolkit of the host.",
    mend="Remove the snap (snap remove docker) and install Docker's own packages; choose the "
    "context: docker context use default.",
)
def kind(subject: Subject) -> Found:
    found = subject.once(engine)
    if found is None or found.fault:
        return skip(_SILENT if found else _NOT_THERE)
    system, root = (str(found.info.get(each, "")) for each in ("OperatingSystem", "DockerRootDir"))
    seen = "a snap" if "/snap/" in root else "Docker Desktop" if "Desktop" in system else ""
    if not seen:
        return ok("It is.")
    evidence = f"DockerRootDir {root}, {system}"
    if subject.once(inventory).has_gpu:
        return warn(f"Docker is {seen}, and containers get no GPU.", evidence=evidence)
    return ok(f"It is {seen}; there is no GPU to give.", evidence)


@check(
    "DOCK-007",
    looks="Can Docker give containers the GPU that is here?",
    why="Without NVIDIA's toolkit a container sees no card, and CUDA blames the driver.",
    mend="Offline: dpkg -i nvidia-container-toolkit_*.deb (and its -base, libnvidia-container1, "
    "-tools). Then: nvidia-ctk runtime configure --runtime=docker && systemctl restart docker.",
)
def toolkit(subject: Subject) -> Found:
    found = subject.once(engine)
    if found is None or found.fault:
        return skip(_SILENT if found else _NOT_THERE)
    if not subject.once(inventory).has_gpu:
        return skip("There is no GPU here.")
    runtimes = found.info.get("Runtimes") or {}
    if "nvidia" in runtimes:
        return ok("It can: the runtime nvidia is there.")
    if specification := _cdi(subject.machine):
        return ok("It can, by CDI.", str(specification))
    return fail(
        "Docker cannot give containers the GPU.",
        evidence=f"runtimes {', '.join(runtimes)}; no CDI specification of NVIDIA",
    )


@check(
    "DOCK-008",
    looks="Will containers keep their GPU?",
    why="With systemd's cgroups a daemon-reload takes the card away from containers that run.",
    mend="Use CDI: nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml; or in daemon.json "
    "exec-opts native.cgroupdriver=cgroupfs.",
)
def keeping(subject: Subject) -> Found:
    found = subject.once(engine)
    if found is None or found.fault:
        return skip(_SILENT if found else _NOT_THERE)
    if not subject.once(inventory).has_gpu:
        return skip("There is no GPU here.")
    driver = str(found.info.get("CgroupDriver", ""))
    if driver == "systemd" and not _cdi(subject.machine):
        return warn("Containers may lose their GPU.", evidence="CgroupDriver systemd, no CDI")
    return ok("They will.", f"CgroupDriver {driver}")


@check(
    "DOCK-009",
    looks="Is there room for images and containers?",
    why="Where the disk of Docker is full, nothing starts, and databases in containers stop.",
    mend="Run: docker system df; docker image prune; docker builder prune.",
)
def room(subject: Subject) -> Found:
    found = subject.once(engine)
    if found is None or found.fault:
        return skip(_SILENT if found else _NOT_THERE)
    root = Path(str(found.info.get("DockerRootDir", "")))
    if not root.is_dir():
        return skip("The disk of Docker is not one of this machine.")
    free = subject.machine.disk(root).free
    if free < _ROOM:
        return warn("There is little room for images.", evidence=f"{size(free)} free at {root}")
    return ok(f"{size(free)} free at {root}.")


@check(
    "DOCK-010",
    looks="Are the containers of Malgwi well?",
    why="One that is started again and again, or unhealthy, does nothing, or soon will.",
    mend="Run: docker compose logs SERVICE | malgwi doctor --log -",
)
def containers(subject: Subject) -> Found:
    found = subject.once(engine)
    if found is None or found.fault:
        return skip(_SILENT if found else _NOT_THERE)
    said = subject.machine.run(
        "docker",
        "ps",
        "-a",
        "--filter",
        "label=com.docker.compose.project",
        "--format",
        "{{json .}}",
    )
    ours = [each for each in _lines(said.out if said else "") if "malgwi" in _all(each)]
    if not ours:
        return skip("There are none.")
    ill = [each for each in ours if _is_ill(each)]
    if ill:
        said_of = (f"{each.get('Names')}: {each.get('Status')}" for each in ill)
        return fail("Containers are not well.", evidence="; ".join(said_of))
    return ok(f"{len(ours)} are.")


def _is_ill(container: Mapping[str, Any]) -> bool:
    state, status = str(container.get("State", "")), str(container.get("Status", ""))
    killed = status.startswith("Exited (") and not status.startswith(("Exited (0)", "Exited (143)"))
    return state in ("restarting", "dead") or "unhealthy" in status or killed


def _all(container: Mapping[str, Any]) -> str:
    return " ".join(str(container.get(each, "")) for each in ("Names", "Image", "Labels"))


def _lines(out: str) -> Sequence[Mapping[str, Any]]:
    try:
        return [json.loads(each) for each in out.splitlines() if each.strip()]
    except ValueError:
        return []


def _cdi(machine: Machine) -> Path | None:
    for folder in ("/etc/cdi", "/var/run/cdi"):
        for each in sorted(machine.path(folder).glob("*nvidia*")):
            return each
    return None


def _older(said: str, wanted: tuple[int, ...]) -> bool:
    try:
        return numbers(said.strip().lstrip("v")) < wanted
    except ValueError:
        return False


CHECKS = (
    client, answers, version, compose, buildx, kind, toolkit, keeping, room, containers,
)  # fmt: skip
