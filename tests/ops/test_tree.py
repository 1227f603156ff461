"""The checkout is in order: the locks are in step, and no address or path has crept in."""

import re
import subprocess
import tomllib
from collections import defaultdict
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
_HOST = re.compile(r"\bpypi" + r"\.org|\bpythonhosted" + r"\.org|registry\.npm" + "js")
_ADDRESS = re.compile(r"^\s*--(extra-)?index-url|^\s*--find-links|https?://\S+/simple\b", re.M)
_PATH = re.compile(r"(?<![\w./])/(work|root)/\w")


def _locked(name: str) -> dict[str, set[str]]:
    """Versions by name: a few have one for old Pythons and one for new ones."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for line in (ROOT / name).read_text("utf-8").splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)==([^ ;\\]+)", line):
            found[canonicalize_name(match[1])].add(match[2])
    return dict(found)


def _tracked() -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")
    return [path for line in listed.stdout.splitlines() if (path := ROOT / line).is_file()]


def _wanted(lock: str) -> list[Requirement]:
    if lock == "requirements-cpwer.lock":
        return [Requirement(line) for line in EXTRAS["cpwer"]]
    elsewhere = {"cpwer", "transformers"}  # which torch fits depends on the card
    plain = [lines for extra, lines in EXTRAS.items() if extra not in elsewhere]
    groups = [PROJECT["project"]["dependencies"], PROJECT["dependency-groups"]["dev"]]
    return [Requirement(line) for line in chain(*plain, *groups)]


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-cpwer.lock"])
def test_the_lock_has_what_the_project_wants(lock: str) -> None:
    locked = _locked(lock)

    for wanted in _wanted(lock):
        versions = locked.get(canonicalize_name(wanted.name), set())
        assert versions, f"{wanted} is not in {lock}: run make lock"
        assert all(version in wanted.specifier for version in versions), f"{wanted}: run make lock"


def test_the_two_locks_agree() -> None:
    main, cpwer = _locked("requirements.lock"), _locked("requirements-cpwer.lock")

    assert {name: main[name] for name in cpwer if name in main} == {
        name: versions for name, versions in cpwer.items() if name in main
    }


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-cpwer.lock"])
def test_everything_in_the_lock_has_a_sum(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")

    entries = re.split(r"\n(?=\S)", text.strip())

    assert all("--hash=sha256:" in entry for entry in entries)


def test_no_address_of_a_package_index_stands_in_the_tree() -> None:
    for path in _tracked():
        text = path.read_text("utf-8", errors="ignore")
        assert not _HOST.search(text), path
        assert path == Path(__file__) or not _ADDRESS.search(text), path


def test_no_path_of_one_machine_stands_in_the_tree() -> None:
    for path in _tracked():
        found = _PATH.search(path.read_text("utf-8", errors="ignore"))
        assert not found, f"{path}: {found}"
