"""Compose files: what is in them that will hurt."""

from pathlib import Path

import pytest
from ops.doctor.pretended import assert_amiss, look, pretend, subject

from malgwi.ops.doctor import Subject

WELL = """
services:
  api:
    image: malgwi:1.4.0-cpu
    restart: unless-stopped
    mem_limit: 2g
    logging: &log {driver: json-file, options: {max-size: 10m, max-file: "3"}}
    secrets: [db_password]
    environment: {MALGWI_STORE__PASSWORD_FILE: /run/secrets/db_password}
  engine:
    image: registry.example:5000/malgwi@sha256:0123
    restart: unless-stopped
    deploy:
      resources:
        limits: {memory: 8g}
        reservations: {devices: [{driver: nvidia, device_ids: [GPU-1], capabilities: [gpu]}]}
    logging: *log
  redis:
    image: redis:7
    command: [redis-server, /etc/redis.conf]
    volumes: [./redis.conf:/etc/redis.conf:ro]
    healthcheck: {test: [CMD, redis-cli, ping]}
    restart: unless-stopped
    mem_limit: 1g
    logging: *log
  db:
    image: pgvector/pgvector:pg17
    ports: ["127.0.0.1:5432:5432"]
    healthcheck: {test: [CMD, pg_isready]}
    restart: unless-stopped
    mem_limit: 1g
    logging: *log
    volumes: !override [db:/var/lib/postgresql/data]
secrets:
  db_password: {file: ./secrets/db_password}
"""
ALL = [f"COMPOSE-{number:03}" for number in range(1, 11)]
GPU = "deploy: {resources: {reservations: {devices: [{driver: nvidia, %s}]}}}"
AMISS = {
    "latest": ("COMPOSE-002", "fail", "a: {image: 'ollama/ollama:latest'}", "a: ollama/ollama"),
    "no version at all": ("COMPOSE-002", "fail", "a: {image: 'host:5000/oracle-xe'}", "oracle-xe"),
    "a name and replicas": (
        "COMPOSE-003",
        "warn",
        "a: {image: x:1, container_name: a, deploy: {replicas: 2}}",
        "2 replicas",
    ),
    "a GPU that is hidden": (
        "COMPOSE-004",
        "fail",
        "a: {image: x:1, environment: ['CUDA_VISIBLE_DEVICES=1'], "
        + GPU % "device_ids: ['1']"
        + "}",
        "CUDA_VISIBLE_DEVICES=1",
    ),
    "two on a card": (
        "COMPOSE-005",
        "warn",
        "a: {image: x:1, "
        + GPU % "device_ids: ['GPU-9']"
        + "}\n  b: {image: x:1, "
        + GPU % "count: all"
        + "}",
        "GPU-9: a, b",
    ),
    "two on all cards": (
        "COMPOSE-005",
        "warn",
        "a: {image: x:1, gpus: all}\n  b: {image: x:1, gpus: all}",
        "all: a, b",
    ),
    "an open database": (
        "COMPOSE-006",
        "fail",
        "a: {image: 'postgres:17', ports: ['5432:5432']}",
        "published to everybody",
    ),
    "an open Redis": ("COMPOSE-006", "fail", "a: {image: 'redis:7'}", "without a password"),
    "a secret in the file": (
        "COMPOSE-007",
        "warn",
        "a: {image: x:1, environment: {POSTGRES_PASSWORD: tigerhill-and-lake}}",
        "POSTGRES_PASSWORD",
    ),
    "an external secret": (
        "COMPOSE-007",
        "warn",
        "a: {image: x:1}\nsecrets: {db_password: {external: true}}",
        "external",
    ),
    "no health check": ("COMPOSE-008", "warn", "a: {image: 'nginx:1.26'}", "a"),
    "no bounds": ("COMPOSE-009", "warn", "a: {image: 'nginx:1.26'}", "memory and log"),
    "no restart": ("COMPOSE-010", "warn", "a: {image: 'nginx:1.26'}", "a"),
}


def with_file(tmp_path: Path, text: str, programs: dict[str, str] | None = None) -> Subject:
    machine = pretend(tmp_path, None, programs)
    (machine.folder / "compose.yaml").write_text(text)
    return subject(machine, tmp_path)


@pytest.mark.parametrize("id", ALL)
def test_a_file_that_is_well_is_left_alone(id: str, tmp_path: Path) -> None:
    assert look(id, with_file(tmp_path, WELL)).state == "ok"


@pytest.mark.parametrize(("id", "state", "services", "said"), AMISS.values(), ids=AMISS)
def test_what_will_hurt_is_said(
    id: str, state: str, services: str, said: str, tmp_path: Path
) -> None:
    found = look(id, with_file(tmp_path, f"services:\n  {services}\n"))

    assert_amiss(found, state, said)
    assert "tigerhill" not in found.evidence


def test_a_version_of_old_is_said(tmp_path: Path) -> None:
    assert_amiss(look("COMPOSE-003", with_file(tmp_path, "version: '3.8'\n" + WELL)), "warn")


@pytest.mark.parametrize(
    ("text", "said"),
    [("services: [", "line"), ("", "no compose file"), ("x: 1", "no services"), ("- a", "no comp")],
)
def test_a_file_that_is_none_is_said(text: str, said: str, tmp_path: Path) -> None:
    assert_amiss(look("COMPOSE-001", with_file(tmp_path, text)), "fail", said)


@pytest.mark.parametrize("id", ALL)
def test_without_a_file_there_is_nothing_to_say(id: str, tmp_path: Path) -> None:
    assert look(id, subject(pretend(tmp_path), tmp_path)).state == "skip"


def test_of_a_file_and_its_overlay_what_comes_of_them_is_looked_at(tmp_path: Path) -> None:
    machine = pretend(tmp_path)
    base, over = machine.folder / "base.yaml", machine.folder / "cuda.yaml"
    base.write_text("services:\n  engine: {image: 'malgwi:latest'}\n")
    over.write_text("services:\n  engine: {image: 'malgwi:1.4.0'}\n")

    found = look("COMPOSE-002", subject(machine, tmp_path, compose=(base, over)))

    assert found.state == "ok"


def test_what_compose_itself_has_against_it_is_said(tmp_path: Path) -> None:
    says = "required variable DB_PASSWORD is missing a value: set it in .env"
    program = f'[ "$2" = version ] && echo 2.40.3 && exit 0; echo "{says}" >&2; exit 1'

    found = look("COMPOSE-001", with_file(tmp_path, WELL, {"docker": program}))

    assert_amiss(found, "fail", "DB_PASSWORD is missing")


def test_what_compose_puts_together_is_what_is_looked_at(tmp_path: Path) -> None:
    """With the variables of .env in their places."""
    put = '{"services": {"a": {"image": "redis:latest"}}}'
    program = f"[ \"$2\" = version ] && echo 2.40.3 && exit 0; echo '{put}'"

    found = look("COMPOSE-002", with_file(tmp_path, WELL, {"docker": program}))

    assert_amiss(found, "fail", "redis:latest")
