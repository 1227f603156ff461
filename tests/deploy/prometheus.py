"""Prometheus and its promtool, real ones, as tools/promtool.sh puts them in place."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
RULES = sorted((MONITORING / "prometheus" / "rules").glob("*.yaml"))


class NoPrometheus(Exception):
    """It is not here; says what to do."""


def program(name: str) -> str:
    """Where `prometheus` or `promtool` is. Raises NoPrometheus."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    ours = cache / "malgwi" / "prometheus" / "usr" / "bin" / name
    found = str(ours) if ours.is_file() else shutil.which(name)
    if found is None:
        raise NoPrometheus(f"There is no {name}. Run: tools/promtool.sh")
    return found


def promtool(*arguments: object, given: str = "") -> str:
    """What it says. Fails the test where it finds a fault."""
    command = [program("promtool"), *map(str, arguments)]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated together."""

    name: str
    rules: Sequence[Mapping[str, Any]]


def groups() -> list[Group]:
    """All that are shipped."""
    files = (yaml.safe_load(path.read_text("utf-8")) for path in RULES)
    return [Group(each["name"], each["rules"]) for file in files for each in file["groups"]]


def alerts() -> dict[str, Mapping[str, Any]]:
    """By name."""
    return {each["alert"]: each for group in groups() for each in group.rules if "alert" in each}


@contextmanager
def prometheus(folder: Path, *targets: str) -> Iterator[httpx.Client]:
    """One that scrapes these `host:port` every second and goes by the rules that are shipped; to be
    asked at /api/v1. Raises NoPrometheus."""
    address = f"127.0.0.1:{_free_port()}"
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(each) for each in RULES],
        "scrape_configs": [
            {"job_name": "malgwi-api", "static_configs": [{"targets": list(targets)}]}
        ],
    }
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(config), "utf-8")
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={file}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address={address}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        with httpx.Client(base_url=f"http://{address}", timeout=20, trust_env=False) as http:
            yield http
    finally:
        process.kill()
        process.wait()


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port: int = taken.getsockname()[1]
        return port
