"""From a clone to services that answer: what is checked before, and said where it does not work."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from deploy.composed import DEPLOY, FRAGMENTS, WHOLE, read

DECLARED = {
    name
    for path in (WHOLE, *FRAGMENTS)
    for name, each in read(path).get("secrets", {}).items()
    if each["file"] == f"./secrets/{name}"  # others are given, as certificates are
}
DOCKER = """#!/bin/sh
case "$*" in
    info) exit {info} ;;
    "compose config") exit {config} ;;
    "compose version --short") echo "{version}" ;;
    *) echo "docker $*" ;;
esac
"""
"""Docker as far as it is asked before anything is started."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout's deploy/, without what it made."""
    ignored = shutil.ignore_patterns(".env", "secrets")
    return Path(shutil.copytree(DEPLOY, tmp_path / "deploy", ignore=ignored))


def up(folder: Path, path: str = "/usr/bin:/bin") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [folder / "up.sh"],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def with_docker(folder: Path, *, version: str = "2.40.3", info: int = 0, config: int = 0) -> str:
    """A path on which there is such a Docker."""
    place = folder.parent / "bin"
    place.mkdir()
    (place / "docker").write_text(DOCKER.format(version=version, info=info, config=config))
    (place / "docker").chmod(0o755)
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
