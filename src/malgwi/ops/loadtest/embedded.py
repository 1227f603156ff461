"""A service of the test's own: started in an empty folder, ended with the test whatever happens."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer

import psutil

from malgwi.errors import BadOption, EngineFailed, StoreFull
from malgwi.ops.loadtest.plan import Plan

START = 120.0
"""Seconds until it says where it listens."""
_DRAIN = 40.0
_ROOM = 2 * 2**30
_OTHERS = ("MALGWI_STORE__", "MALGWI_JOBS__", "MALGWI_SERVE__", "MALGWI_ENGINE__KEY")
"""What of the settings is about another service than this one."""
_PROGRAM = """
import os, signal, sys, threading

def end_with_who_started_it():
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=end_with_who_started_it, daemon=True).start()
from malgwi.cli import main
main()
"""


class Embedded:
    """The service that runs."""

    def __init__(self, address: str, pid: int) -> None:
        self.address = address
        self._pid = pid

    def memory(self) -> int | None:
        """Resident bytes of all its processes; what they share counts for each."""
        found = 0
        for each in _family(self._pid):
            with suppress(psutil.Error):
                found += each.memory_info().rss
        return found or None


@contextmanager
def embedded(plan: Plan) -> Iterator[Embedded]:
    """`malgwi serve` with the engine of the settings, on a free port. Raises what keeps it from
    starting."""
    _check_room(plan)
    with (
        tempfile.TemporaryDirectory(prefix="malgwi-loadtest-", ignore_cleanup_errors=True) as name,
        (Path(name) / "service.log").open("w+b") as log,
    ):
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, "serve", "--host", "127.0.0.1", "--port", "0"],
            env=_environment(os.environ, Path(name)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for us, who end it
        )
        try:
            yield Embedded(_address(process, Path(name) / "service.log"), process.pid)
        finally:
            _end(process)


def _check_room(plan: Plan) -> None:
    folder = tempfile.gettempdir()
    free, wanted = shutil.disk_usage(folder).free, plan.bytes + _ROOM
    if free < wanted:
        raise StoreFull(
            f"The test needs {wanted / 1e9:.1f} GB in {folder}, and {free / 1e9:.1f} are free. Set "
            "TMPDIR to a folder with more room, or give fewer --hours."
        )


def _environment(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if not name.upper().startswith(_OTHERS)}
    workers = {n: v for n, v in environ.items() if n.upper() == "MALGWI_JOBS__WORKERS"}
    return {
        **kept,
        **workers,
        "MALGWI_STORE__DATA": str(folder / "data"),
        "MALGWI_ENGINE__SPOOL": str(folder / "spool"),
        "MALGWI_ENGINE__WYOMING": "0",
    }


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    assert process.stdout
    late = Timer(START, process.kill)
    late.start()
    try:
        line = process.stdout.readline().decode("utf-8", "replace")
    finally:
        late.cancel()
    if line.startswith("Listening on "):
        return line.split()[2].rstrip(".")
    process.wait()
    said = [each for each in log.read_text("utf-8", "replace").splitlines() if each.strip()]
    last = next((each for each in reversed(said) if each.startswith("malgwi: ")), "")
    if last:
        raise BadOption(last.removeprefix("malgwi: "))
    raise EngineFailed(f"`malgwi serve` did not start within {START:.0f} s.")


def _end(process: subprocess.Popen[bytes]) -> None:
    family = _family(process.pid)
    process.terminate()
    try:
        process.wait(_DRAIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for each in family[1:]:  # who has outlived its parent
        with suppress(psutil.Error):
            each.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return []
