"""From a clone to services that answer: what is checked before, and said where it does not work."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from deploy.composed import DEPLOY, FRAGMENTS, WHOLE, read
from deploy.engine import Environment

DECLARED = {
    name
    for path in (WHOLE, *FRAGMENTS)
    for name, each in read(path).get("secrets", {}).items()
    if each["file"] == f"./secrets/{name}"  # others are given, as certificates are
}
DOCKER = """#!/bin/sh
case "$*" in
    info) exit {info} ;;
    info*) echo "{root}" ;;
    "volume inspect"*) exit {volume} ;;
    "compose config") cat "$0.config"; exit {config} ;;
    "compose ps --quiet"*) ;;
    "compose version --short") echo "{version}" ;;
    "compose up"*) echo '{up}' >&2; [ -z '{up}' ] ;;
    *) echo "docker $*" ;;
esac
"""
"""Docker as far as it is asked before anything is started, and what it says of that."""
ONE_WITH_A_GPU = """
name: malgwi-with-a-gpu
services:
  engine:
    image: ${STACK_REDIS_IMAGE:-redis:7.0}
    pull_policy: never
    gpus: [{driver: nvidia, device_ids: [GPU-none-of-ours]}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout's deploy/, without what it made."""
    ignored = shutil.ignore_patterns(".env", "secrets")
    return Path(shutil.copytree(DEPLOY, tmp_path / "deploy", ignore=ignored))


def up(folder: Path, path: str | None = None, **more: str) -> "subprocess.CompletedProcess[str]":
    """`up.sh` with this path, or an environment of its own."""
    return subprocess.run(
        [folder / "up.sh"],
        env={**os.environ, "PATH": path} if path else more,
        capture_output=True,
        text=True,
        check=False,
    )


def with_docker(folder: Path, *, composed: str = "", **answers: object) -> str:
    """A path on which there is such a Docker."""
    usual = {"version": "2.40.3", "info": 0, "root": "", "volume": 1, "config": 0, "up": ""}
    place = folder.parent / "bin"
    place.mkdir()
    (place / "docker").write_text(DOCKER.format(**{**usual, **answers}))
    (place / "docker").chmod(0o755)
    (place / "docker.config").write_text(composed)
    return f"{place}:/usr/bin:/bin"


def without_docker(folder: Path) -> str:
    """A path with the tools of a system, but Docker."""
    place = folder.parent / "tools"
    place.mkdir()
    for each in ("sh", "dirname", "mktemp", "rm", "head", "cat"):
        found = shutil.which(each)
        assert found
        (place / each).symlink_to(found)
    return str(place)


def test_the_secrets_are_made_once_and_nobody_else_gets_to_them(folder: Path) -> None:
    made = subprocess.run([folder / "secrets.sh"], capture_output=True, text=True, check=True)
    secrets = folder / "secrets"
    before = {path.name: path.read_text() for path in secrets.iterdir()}
    again = subprocess.run([folder / "secrets.sh"], capture_output=True, text=True, check=True)

    assert {path.name: path.read_text() for path in secrets.iterdir()} == before
    assert set(before) == DECLARED
    assert made.stdout.count("made secrets/") == len(before)
    assert again.stdout == ""
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert len(set(before.values())) == len(before)
    assert all(len(each) > 60 for name, each in before.items() if "oracle" not in name)
    assert all(
        len(before[f"oracle_{each}"].strip()) == 30 for each in ("password", "user_password")
    )
    password = before["redis_password.conf"].split()[1]
    assert before["redis_url"] == f"redis://:{password}@redis:6379/0\n"
    assert not any(secret.strip() in made.stdout for secret in before.values())


def test_one_secret_that_is_missing_is_made_anew(folder: Path) -> None:
    subprocess.run([folder / "secrets.sh"], capture_output=True, check=True)
    kept = (folder / "secrets" / "admin_key").read_text()
    (folder / "secrets" / "engine_key").unlink()

    subprocess.run([folder / "secrets.sh"], capture_output=True, check=True)

    assert (folder / "secrets" / "engine_key").read_text().startswith("mg_")
    assert (folder / "secrets" / "admin_key").read_text() == kept


def test_without_docker_it_says_what_to_install(folder: Path) -> None:
    done = up(folder, without_docker(folder))

    assert done.returncode == 2
    assert done.stderr.startswith("malgwi: There is no docker here. Install ")
    assert not (folder / "secrets").exists()


def test_where_docker_does_not_answer_it_says_what_may_be_wrong(folder: Path) -> None:
    done = up(folder, with_docker(folder, info=1))

    assert done.returncode == 2
    assert done.stderr.startswith("malgwi: Docker does not answer: ")


def test_settings_that_do_not_go_together_are_refused_before_anything_is_started(
    folder: Path,
) -> None:
    done = up(folder, with_docker(folder, config=15))

    assert done.returncode == 2
    assert "malgwi: The compose files and .env do not go together" in done.stderr


@pytest.mark.parametrize("version", ["2.9.0", "v2.29.7", "1.29.2"])
def test_an_old_compose_is_refused(folder: Path, version: str) -> None:
    done = up(folder, with_docker(folder, version=version))

    assert done.returncode == 2
    assert "2.30 or newer is needed" in done.stderr


@pytest.mark.parametrize("version", ["2.30.0", "2.40.3-3", "v5.3.1"])
def test_a_newer_compose_is_used(folder: Path, version: str) -> None:
    done = up(folder, with_docker(folder, version=version))

    assert done.returncode == 0, done.stderr
    assert "Sign in with the key in deploy/secrets/admin_key" in done.stdout
    assert (folder / ".env").read_text() == (folder / ".env.example").read_text()
    assert {each.name for each in (folder / "secrets").iterdir()} == DECLARED


def test_a_node_has_the_secrets_that_were_made_for_it_and_no_others(folder: Path) -> None:
    (folder / "secrets.sh").unlink()
    (folder / "secrets").mkdir()
    (folder / "secrets" / "redis_url").write_text("rediss://...")

    done = up(folder, with_docker(folder))

    assert done.returncode == 0, done.stderr
    assert [each.name for each in (folder / "secrets").iterdir()] == ["redis_url"]


@pytest.mark.parametrize(
    ("address", "is_taken"),
    [("127.0.0.1", True), ("0.0.0.0", True), ("", True), ("127.0.0.9", False)],
)
def test_a_port_is_taken_where_somebody_listens_at_that_address(
    folder: Path, address: str, is_taken: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        at = f"        host_ip: {address}\n" if address else ""
        composed = f'      - mode: ingress\n{at}        published: "{port}"\n'

        done = up(folder, with_docker(folder, composed=composed))

    assert (f"Something else listens on port {port}." in done.stderr) is is_taken
    assert (done.returncode == 2) is is_taken


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("STACK_HTTP_PROT=80", "line 1, and nothing is called that. Is STACK_HTTP_PORT meant?"),
        ("MALGWI_STT__MODLE=x", "Is MALGWI_STT__MODEL meant?"),
        ("PYTHON_CACHE_SIZE=64", ".env.example lists what there is."),
    ],
)
def test_a_name_that_means_nothing_is_refused_with_the_one_that_was_meant(
    folder: Path, line: str, said: str
) -> None:
    (folder / ".env").write_text(f"{line}\nMALGWI_STT__OPTIONS__THREADS=2\nCOMPOSE_PROFILES=x\n")

    done = up(folder, with_docker(folder))

    assert done.returncode == 2
    assert said in done.stderr and done.stderr.count("\n") == 1
    assert not (folder / "secrets").exists()


def test_a_password_that_is_gone_is_not_made_anew_where_the_database_has_the_old_one(
    folder: Path,
) -> None:
    done = up(folder, with_docker(folder, composed="name: ours\n", volume=0))

    assert done.returncode == 2
    assert "secrets/postgres_password is not there" in done.stderr
    assert "Put it back" in done.stderr and "docker volume rm ours_postgres" in done.stderr
    assert not (folder / "secrets").exists()


def tls(folder: Path) -> str:
    """What compose says of secrets that are given."""
    files = {"tls_certificate": folder / "a.pem", "tls_key": folder / "b.pem"}
    said = [f"  {name}:\n    name: x_{name}\n    file: {path}\n" for name, path in files.items()]
    return f"services:\n  nginx: {{}}\nsecrets:\n{''.join(said)}x-more:\n    file: /nowhere\n"


def test_a_secret_that_is_asked_for_and_not_there_is_said_with_its_place(folder: Path) -> None:
    done = up(folder, with_docker(folder, composed=tls(folder)))

    assert done.returncode == 2
    assert f"malgwi: {folder / 'a.pem'} is not there" in done.stderr
    assert "COMPOSE_FILE" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("closed", [False, True])
def test_a_secret_that_everybody_can_read_is_refused_with_the_remedy(
    folder: Path, closed: bool
) -> None:
    kept = folder.parent / "kept"
    kept.mkdir(mode=0o755)
    for name in ("a.pem", "b.pem"):
        (kept / name).touch(0o644)
    kept.chmod(0o700 if closed else 0o755)

    done = up(folder, with_docker(folder, composed=tls(kept)))

    assert done.returncode == (0 if closed else 2), done.stderr
    remedy = f"Everybody on this machine can read the secret {kept / 'b.pem'}."
    assert (remedy in done.stderr, f"chmod o-rwx {kept}\n" in done.stderr) == (not closed,) * 2
    assert "a.pem" not in done.stderr


def test_where_the_disk_of_docker_is_full_it_says_how_to_make_room(folder: Path) -> None:
    done = up(folder, with_docker(folder, root="/proc"))  # which has no room at all

    assert done.returncode == 2
    assert "The disk of Docker has 0 GB left" in done.stderr and "system df" in done.stderr


@pytest.mark.parametrize(
    ("up_says", "remedy"),
    [
        (
            'Error response from daemon: could not select device driver "nvidia" '
            "with capabilities: [[gpu gpu]]",
            "nvidia-ctk runtime configure",
        ),
        (
            "Error response from daemon: failed to create task for container: failed to create "
            "shim task: OCI runtime create failed: runc create failed: unable to start container "
            "process: error during container init: error running prestart hook #0: exit status 1, "
            "stdout: , stderr: nvidia-container-cli: device error: GPU-0: unknown device: unknown",
            "nvidia-smi -L",
        ),
        (
            "failed to register layer: write /usr/lib/x.so: no space left on device",
            "docker builder prune",
        ),
    ],
)
def test_what_docker_says_of_a_fault_is_followed_by_what_to_do(
    folder: Path, up_says: str, remedy: str
) -> None:
    done = up(folder, with_docker(folder, up=up_says))

    first, last = done.stderr.strip().splitlines()
    assert first == up_says
    assert last.startswith("malgwi: ") and remedy in last
    assert done.returncode == 2


@pytest.mark.slow
def test_a_gpu_that_is_asked_for_and_not_there_is_said_by_docker_itself_so(
    engine: Environment, folder: Path
) -> None:
    (folder / "compose.yaml").write_text(ONE_WITH_A_GPU)
    done = up(folder, **engine)
    subprocess.run(["docker", "compose", "down"], cwd=folder, env=engine, check=True)

    if done.returncode == 0:
        pytest.skip("There is a GPU here.")
    assert done.returncode == 2
    assert "Install NVIDIA's driver and container toolkit" in done.stderr
    assert "leave compose/cuda.yaml out of COMPOSE_FILE" in done.stderr
