"""A Docker engine to try things in: the one that is here, or in CI one that is started for it.

Where that is done the images of others are stand-ins, made of Debian's packages: what passes says
nothing of the official images.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

Environment = dict[str, str]
"""With what `docker` is called."""

LABORATORY = Path(__file__).parents[3] / "shared" / "tools" / "containers.sh"


class NoEngine(Exception):
    """Why there is none."""


@contextmanager
def docker_engine(folder: Path) -> Iterator[Environment]:
    """Raises NoEngine."""
    if _answers(dict(os.environ)):
        yield dict(os.environ)
        return
    if "CI" not in os.environ or not LABORATORY.is_file() or os.geteuid() != 0:
        raise NoEngine("There is no Docker engine here: nothing was tried in containers.")
    settings = {**os.environ, "LAB": str(folder / "engine")}
    try:
        for step in (["engine"], ["start"], ["bases", "3.11"], ["services", *_OTHERS]):
            _laboratory(settings, *step)
        exports = _laboratory(settings, "env").split()[1:]
        yield {**settings, **dict(each.split("=", 1) for each in exports)}
    finally:
        _laboratory(settings, "clean")


_OTHERS = ("redis", "postgres", "nginx")


def _answers(environment: Environment) -> bool:
    if shutil.which("docker") is None:
        return False
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        if done.returncode:
            return False
    return True


def _laboratory(environment: Environment, *arguments: str) -> str:
    done = subprocess.run(
        ["bash", str(LABORATORY), *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NoEngine(
            f"No Docker engine could be started: {LABORATORY.name} {arguments[0]} failed."
        )
    return done.stdout
