"""COMPOSE: the compose files, as compose reads them; without compose, as they are written."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from malgwi.ops.doctor.base import Found, check, fail, ok, skip, warn
from malgwi.ops.doctor.machine import Ran, first_line
from malgwi.ops.doctor.subject import Subject

_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_FOLDERS = (".", "deploy")
_NONE = "There is no compose file here; name one with --compose."
_STORES = re.compile(r"(^|/)(redis|valkey|postgres|pgvector|postgis|mariadb|mysql)[:@/]?")
_REDIS = re.compile(r"(^|/)(redis|valkey)([:@]|$)")


@dataclass(frozen=True, slots=True)
class Project:
    """What the files say."""

    files: Sequence[Path]
    fault: str | None = None
    """What compose has against it, or why it cannot be read."""
    content: Mapping[str, Any] = field(default_factory=dict)
    resolved: bool = False
    """Whether compose put it together, variables and all."""

    @property
    def services(self) -> Mapping[str, Mapping[str, Any]]:
        there = self.content.get("services")
        return {
            name: each
            for name, each in (there if isinstance(there, dict) else {}).items()
            if isinstance(each, dict)
        }


class _Loader(yaml.SafeLoader):
    """Takes the tags of compose (!reset, !override) for what stands behind them."""


def _plain(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


_Loader.add_multi_constructor("!", _plain)


def files(subject: Subject) -> Sequence[Path]:
    """Those that are named, else the one that is found."""
    if subject.compose:
        return subject.compose
    places = (subject.machine.folder / folder / name for folder in _FOLDERS for name in _NAMES)
    return [each for each in places if each.is_file()][:1]


def plugin(subject: Subject) -> Ran | None:
    """What compose says that its version is; None where there is no docker."""
    return subject.machine.run("docker", "compose", "version", "--short")


def project(subject: Subject) -> Project | None:
    """None where there are no files."""
    named = files(subject)
    if not named:
        return None
    written, fault = _written(named)
    there = subject.once(plugin)
    if fault or there is None or there.code:
        return Project(named, fault, written)
    arguments = [word for each in named for word in ("-f", str(each.absolute()))]
    said = subject.machine.run("docker", "compose", *arguments, "config", "--format", "json")
    if said is None:
        return Project(named, None, written)
    if said.code:
        return Project(named, first_line(said), written)
    try:
        return Project(named, None, json.loads(said.out), resolved=True)
    except ValueError:
        return Project(named, None, written)


Lint = Callable[[Project], Iterator[str]]


def _linted(subject: Subject, lint: Lint, bad: Callable[..., Found], symptom: str) -> Found:
    found = subject.once(project)
    if found is None:
        return skip(_NONE)
    if not found.services:
        return skip("The compose file names no services that can be read.")
    if said := list(lint(found)):
        return bad(symptom, evidence="; ".join(said))
    return ok(f"Nothing amiss in {len(found.services)} services.")


@check(
    "COMPOSE-001",
    looks="Can compose read the file?",
    why="Nothing starts from a file with a fault, or with a variable that is not set.",
    mend="Mend the line that is named; set the variable in .env, as .env.example shows it.",
)
def valid(subject: Subject) -> Found:
    found = subject.once(project)
    if found is None:
        return skip(_NONE)
    named = ", ".join(map(str, found.files))
    if found.fault:
        remedy = ""
        if "external secret" in found.fault:
            remedy = "Name a file instead: secrets: {NAME: {file: ./secrets/NAME}}."
        return fail(
            "The compose file cannot be used.", evidence=f"{named}: {found.fault}", remedy=remedy
        )
    if not found.services:
        return fail("The compose file has no services.", evidence=named)
    how = "compose reads it" if found.resolved else "read without compose"
    return ok(f"{len(found.services)} services in {named}.", how)


@check(
    "COMPOSE-002",
    looks="Does every image have a version?",
    why="What is called latest is another thing tomorrow, and is pulled at each start, also "
    "offline.",
    mend="Name the version or the digest of each image, and pull_policy: never where there is no "
    "network.",
)
def pinned(subject: Subject) -> Found:
    return _linted(subject, _unpinned, fail, "An image has no version.")


def _unpinned(found: Project) -> Iterator[str]:
    for name, service in found.services.items():
        image = str(service.get("image") or "")
        tag = image.rpartition("/")[2].partition(":")[2]
        named = image and "@sha256:" not in image and not image.startswith("$")
        if named and (not tag or re.match(r"latest\b", tag)):
            yield f"{name}: {image}"


@check(
    "COMPOSE-003",
    looks="Is there something in the file that compose no longer takes, or that excludes itself?",
    why="version: is ignored with a warning; two containers cannot have one name or one port.",
    mend="Take version: out; take container_name: or the replicas out.",
)
def contradictions(subject: Subject) -> Found:
    return _linted(subject, _contradictions, warn, "The file contradicts itself, or is of old.")


def _contradictions(found: Project) -> Iterator[str]:
    if "version" in found.content:
        yield "version: is of old"
    for name, service in found.services.items():
        replicas = _in(service, "deploy", "replicas") or service.get("scale")
        if service.get("container_name") and str(replicas or "1") != "1":
            yield f"{name}: container_name with {replicas} replicas"


@check(
    "COMPOSE-004",
    looks="Does a service get the GPU that it was given?",
    why="Inside a container its cards count from 0; CUDA_VISIBLE_DEVICES=1 then hides the only "
    "one.",
    mend="Take CUDA_VISIBLE_DEVICES out; choose the card by device_ids, with its UUID.",
)
def hidden(subject: Subject) -> Found:
    return _linted(subject, _hidden, fail, "A service hides its GPU from itself.")


def _hidden(found: Project) -> Iterator[str]:
    for name, service in found.services.items():
        visible = _environment(service).get("CUDA_VISIBLE_DEVICES")
        if visible not in (None, "", "0", "all") and any(_gpus(service)):
            yield f"{name}: a GPU is given, and CUDA_VISIBLE_DEVICES={visible}"


@check(
    "COMPOSE-005",
    looks="Does each GPU have one service only?",
    why="Two models on a small card run out of its memory, and the one that was first is slowed.",
    mend="Give each service a card by device_ids; move the language model to another machine.",
)
def one_each(subject: Subject) -> Found:
    return _linted(subject, _shared, warn, "Services share a GPU.")


def _shared(found: Project) -> Iterator[str]:
    users: dict[str, list[str]] = {}
    for name, service in found.services.items():
        for card in set(_gpus(service)):
            users.setdefault(card, []).append(name)
    everybody = users.pop("all", [])
    for card, names in {**users, **({"all": everybody} if everybody else {})}.items():
        both = names if card == "all" else [*names, *everybody]
        if len(both) > 1:
            yield f"{card}: {', '.join(both)}"


@check(
    "COMPOSE-006",
    looks="Are databases and Redis within, and Redis with a password?",
    why="Who reaches a Redis or a database without a lock has everything, and the machine.",
    mend="Take ports: out of them, or publish on 127.0.0.1; give Redis --requirepass from a "
    "secret.",
)
def closed(subject: Subject) -> Found:
    return _linted(subject, _open, fail, "A database or Redis is open.")


def _open(found: Project) -> Iterator[str]:
    for name, service in found.services.items():
        image = str(service.get("image") or "")
        if not _STORES.search(image):
            continue
        for port in service.get("ports") or ():
            if not _is_local(port):
                yield f"{name}: published to everybody"
                break
        said = json.dumps(
            [
                service.get("command"),
                service.get("entrypoint"),
                service.get("configs"),
                service.get("volumes"),
                service.get("environment"),
            ]
        )
        if _REDIS.search(image) and not re.search(
            r"requirepass|redis[\w.-]*\.conf|REDIS_PASSWORD|aclfile", said
        ):
            yield f"{name}: Redis without a password"


@check(
    "COMPOSE-007",
    looks="Are the secrets files, and none of them in the file itself?",
    why="External secrets need a swarm; what stands in the file or the environment, docker "
    "inspect shows.",
    mend="Name files: secrets: {NAME: {file: ./secrets/NAME}}, and variables that end with _FILE.",
)
def secret_files(subject: Subject) -> Found:
    return _linted(subject, _loose_secrets, warn, "Secrets are not files.")


def _loose_secrets(found: Project) -> Iterator[str]:
    secrets = found.content.get("secrets")
    for name, each in (secrets if isinstance(secrets, dict) else {}).items():
        if isinstance(each, dict) and each.get("external"):
            yield f"{name}: external, which plain compose does not have"
    for name, service in found.services.items():
        for variable, value in _environment(service).items():
            is_name = re.search(r"(PASSWORD|SECRET|TOKEN|API_KEY)$", variable)
            if is_name and value and not value.startswith("$"):
                yield f"{name}: {variable} stands in the file"


@check(
    "COMPOSE-008",
    looks="Does every service say when it is well?",
    why="Without a health check nobody waits for a service that starts, or sees one that hangs.",
    mend="Add healthcheck: to each service; for the engine one that asks /health/ready.",
)
def health(subject: Subject) -> Found:
    return _linted(subject, _without_health, warn, "Services have no health check.")


def _without_health(found: Project) -> Iterator[str]:
    """Images of our own have one inside."""
    for name, service in found.services.items():
        ours = "build" in service or "malgwi" in str(service.get("image") or "")
        once = service.get("restart") in ("no", False) or "profiles" in service
        if not ours and not once and not service.get("healthcheck"):
            yield name


@check(
    "COMPOSE-009",
    looks="Is every service bounded: memory, and the size of its log?",
    why="One that runs wild takes the machine with it; a log without bounds fills the disk.",
    mend="Add deploy.resources.limits.memory, and logging: {options: {max-size: 10m, max-file: "
    "'3'}}.",
)
def bounded(subject: Subject) -> Found:
    return _linted(subject, _unbounded, warn, "Services have no bounds.")


def _unbounded(found: Project) -> Iterator[str]:
    for name, service in found.services.items():
        lacking = []
        if not (
            service.get("mem_limit") or _in(service, "deploy", "resources", "limits", "memory")
        ):
            lacking.append("memory")
        driver = _in(service, "logging", "driver") or "json-file"
        if driver == "json-file" and not _in(service, "logging", "options", "max-size"):
            lacking.append("log")
        if lacking:
            yield f"{name}: {' and '.join(lacking)}"


@check(
    "COMPOSE-010",
    looks="Does every service come back after a crash or a restart of the machine?",
    why="What has no restart policy stays down after a power cut.",
    mend="Add restart: unless-stopped to each service that is to stay.",
)
def restarts(subject: Subject) -> Found:
    return _linted(subject, _without_restart, warn, "Services stay down once they are down.")


def _without_restart(found: Project) -> Iterator[str]:
    for name, service in found.services.items():
        if "restart" not in service and not _in(service, "deploy", "restart_policy"):
            yield name


def _written(named: Sequence[Path]) -> tuple[Mapping[str, Any], str | None]:
    """The files one over the other, service by service."""
    together: dict[str, Any] = {}
    for path in named:
        try:
            content = yaml.load(path.read_text("utf-8"), _Loader)
        except (OSError, UnicodeError) as error:
            return (
                {},
                f"{path.name} cannot be read: {getattr(error, 'strerror', None) or 'no UTF-8'}",
            )
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            return {}, f"{path.name} is no YAML{f', line {mark.line + 1}' if mark else ''}"
        if not isinstance(content, dict):
            return {}, f"{path.name} is no compose file"
        for key, value in content.items():
            before = together.get(key)
            both = isinstance(before, dict) and isinstance(value, dict)
            together[key] = _merged(before, value) if both else value
    return together, None


def _merged(under: Any, over: Any) -> dict[str, Any]:
    return {**under, **over}


def _in(mapping: Any, *path: str) -> Any:
    for key in path:
        mapping = mapping.get(key) if isinstance(mapping, dict) else None
    return mapping


def _environment(service: Mapping[str, Any]) -> Mapping[str, str]:
    given = service.get("environment")
    if isinstance(given, dict):
        return {str(name): "" if value is None else str(value) for name, value in given.items()}
    pairs = (str(each).partition("=") for each in given or ())
    return {name: value for name, _, value in pairs}


def _gpus(service: Mapping[str, Any]) -> Iterator[str]:
    """The cards that it asks for, by id; `all` where it says no more."""
    asked = service.get("gpus")
    devices = [*(_in(service, "deploy", "resources", "reservations", "devices") or ())]
    devices += asked if isinstance(asked, list) else [{"driver": "nvidia"}] if asked else []
    for device in devices:
        if isinstance(device, dict):
            yield from map(str, device.get("device_ids") or ["all"])


def _is_local(port: Any) -> bool:
    if isinstance(port, dict):
        return not port.get("published") or port.get("host_ip") in ("127.0.0.1", "::1")
    text = str(port)
    return text.startswith(("127.0.0.1:", "[::1]:")) or ":" not in text


CHECKS = (
    valid, pinned, contradictions, hidden, one_each,
    closed, secret_files, health, bounded, restarts,
)  # fmt: skip
