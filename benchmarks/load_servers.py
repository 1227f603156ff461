"""The servers that are put under load: started, looked at, and ended whatever happens."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

import httpx
import psutil

from benchmarks import work

START = 120.0
"""Seconds until a server says where it listens."""
DRAIN = 40.0
"""Seconds that it has to end when it is told to."""
BUSY_MODEL = 20.0
"""Seconds until a model that has just answered counts as idle."""


@dataclass(frozen=True, slots=True)
class Server:
    """One that runs."""

    address: str
    pid: int

    def resident(self) -> dict[str, int]:
        """Bytes of memory by role, see `_role`."""
        return {role: sum(each.memory_info().rss for each in some) for role, some in self._roles()}

    def processor_seconds(self) -> dict[str, float]:
        return {
            role: sum(sum(each.cpu_times()[:2]) for each in some) for role, some in self._roles()
        }

    def batches(self) -> tuple[float, float]:
        """How many there were, and how many pieces were in them; none of who has no metrics."""
        answer = httpx.get(f"{self.address}/metrics")
        if answer.status_code != httpx.codes.OK:
            return 0.0, 0.0
        found = re.findall(r"^malgwi_batch_size_(count|sum){.*} (.*)$", answer.text, re.MULTILINE)
        sums = {kind: sum(float(each) for name, each in found if name == kind) for kind, _ in found}
        return sums.get("count", 0.0), sums.get("sum", 0.0)

    def unload(self, model: str) -> None:
        """Have the model unloaded, and wait until its process is gone."""
        deadline = time.monotonic() + BUSY_MODEL
        while time.monotonic() < deadline:
            httpx.post(f"{self.address}/v1/models/{model}/unload")
            if "engine" not in self.resident():
                return
            time.sleep(0.5)
        sys.exit(f"{model} was not unloaded within {BUSY_MODEL:.0f} s.")

    def _roles(self) -> list[tuple[str, list[psutil.Process]]]:
        roles: dict[str, list[psutil.Process]] = {}
        parent = psutil.Process(self.pid)
        for each in (parent, *parent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                roles.setdefault(_role(each, parent), []).append(each)
        return list(roles.items())


@contextmanager
def ours(model: str, threads: int, **settings: str) -> Iterator[Server]:
    """`malgwi engine`, with nothing set but what is given here; `settings` of the engine's part."""
    with tempfile.TemporaryDirectory(prefix="malgwi-load-") as spool:
        engine = {"WYOMING": "0", "SPOOL": spool, **settings}
        environment = {
            **{f"MALGWI_ENGINE__{name}": each for name, each in engine.items()},
            "MALGWI_STT__MODEL": model,
            "MALGWI_STT__OPTIONS": json.dumps({"threads": threads}),
            "MALGWI_STT__DEVICE": "cpu",
        }
        with _malgwi("engine", environment) as server:
            yield server


@contextmanager
def keeping() -> Iterator[Server]:
    """`malgwi serve`, without a model: what it keeps is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="malgwi-load-") as data:
        environment = {
            "MALGWI_ENGINE__WYOMING": "0",
            "MALGWI_STORE__DATA": data,
            "MALGWI_STT__ENGINE": "scripted",
            "MALGWI_VAD__ENGINE": "energy",
        }
        with _malgwi("serve", environment) as server:
            yield server


@contextmanager
def peer(model: Path, threads: int, *options: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "benchmarks.load_peer", str(model), *options]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
    with _serving(
        "peer" + "".join(options), [*command, "--threads", str(threads)], environment
    ) as server:
        yield server


@contextmanager
def _malgwi(role: str, settings: Mapping[str, str]) -> Iterator[Server]:
    others = {name: each for name, each in os.environ.items() if not _is_setting(name)}
    command = [str(Path(sys.executable).parent / "malgwi"), role, "--port", "0"]
    with _serving("malgwi", command, {**others, **settings, "MALGWI_OFFLINE": "1"}) as server:
        yield server


@contextmanager
def _serving(name: str, command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Server]:
    """A server, once it has said where it listens; ended with all its children. What else it says
    is in a file in `work`."""
    work.FOLDER.mkdir(exist_ok=True)
    with (work.FOLDER / f"load-{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
            cwd=Path(__file__).parents[1],
            start_new_session=True,  # Ctrl-C is for us, who end it
        )
        try:
            yield Server(_address(process, name), process.pid)
        finally:
            _end(process)


def _address(process: subprocess.Popen[bytes], name: str) -> str:
    assert process.stdout
    late = Timer(START, process.kill)
    late.start()
    try:
        for line in process.stdout:
            if found := re.search(rb"http://[\w.]+:\d+", line):
                return found[0].decode()
    finally:
        late.cancel()
    sys.exit(f"{name} did not start; {work.FOLDER}/load-{name}.log says why.")


def _end(process: subprocess.Popen[bytes]) -> None:
    family = []
    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    try:
        process.wait(DRAIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    finally:
        for each in family:  # who has outlived its parent
            with suppress(psutil.NoSuchProcess):
                each.kill()
    if process.stdout:
        process.stdout.close()


def _role(process: psutil.Process, parent: psutil.Process) -> str:
    """`parent` for the one that was started, `decoders`, `engine`; `rest` for what Python keeps
    beside processes that it has spawned."""
    command = " ".join(process.cmdline())
    if process == parent:
        return "parent"
    if "decoder_process" in command:
        return "decoders"
    return "engine" if "spawn_main" in command else "rest"


def _is_setting(name: str) -> bool:
    kept = ("MALGWI_HOME", "MALGWI_MODELS")
    return name.startswith(("MALGWI_", "STT_")) and name not in kept
