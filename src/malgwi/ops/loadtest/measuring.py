"""What the service tells of itself under load, looked at every few seconds; what it does not tell
is None, with the reason."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psutil

from malgwi.client import Client
from malgwi.errors import MalgwiError
from malgwi.ops.doctor.cgroup import memory_bound, memory_used
from malgwi.ops.doctor.machine import Machine

_LINE = re.compile(r"^(malgwi_\w+?)(?:\{.*\})? (\S+)$", re.MULTILINE)
Metrics = Mapping[str, tuple[float, ...]]
"""The values of all labels by name."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A look at the service. Memory and disk in bytes."""

    at: float
    """Second of the test."""
    waiting: int
    """Jobs, of all lanes."""
    running: int
    service: float | None
    """Resident memory of its processes."""
    machine: float | None
    """Memory of the machine that is in use."""
    gpu_free: float | None
    """Of the card that has least."""
    disk_free: float
    media: float
    """Of the sound that the service keeps."""
    engine_seconds: float | None
    """That engines have computed, since the service began; of so much sound is the next."""
    engine_sound: float | None


@dataclass(frozen=True, slots=True)
class Limits:
    """What there is of it, in bytes; None where that is not known."""

    machine: float | None
    gpu: float | None
    """Of the smallest card."""


class Observer:
    """Looks at a service. `memory` gives that of its processes where it can be seen from outside;
    `here`: it runs on this machine."""

    def __init__(
        self, client: Client, memory: Callable[[], int | None] | None, *, here: bool
    ) -> None:
        self._client, self._memory = client, memory
        self._here = here
        self._machine = Machine()
        self._bound = memory_bound(self._machine) if memory else None
        self._gpu: float | None = None

    def look(self, at: float) -> Sample:
        """Raises what keeps the service from answering."""
        system = self._client.system()
        metrics = self._metrics()
        self._gpu = min(metrics.get("malgwi_gpu_memory_total_bytes", ()), default=self._gpu)
        told = metrics.get("malgwi_process_resident_memory_bytes")
        return Sample(
            at=at,
            waiting=_sum_of(system, "waiting"),
            running=_sum_of(system, "running"),
            service=self._memory() if self._memory else sum(told) if told else None,
            machine=self._used() if self._here else None,
            gpu_free=min(metrics.get("malgwi_gpu_memory_free_bytes", ()), default=None),
            disk_free=system["disk"]["free"],
            media=system["disk"]["media"],
            engine_seconds=_total(metrics, "malgwi_processing_seconds_total"),
            engine_sound=_total(metrics, "malgwi_audio_seconds_total"),
        )

    @property
    def limits(self) -> Limits:
        whole = psutil.virtual_memory().total
        bound = min(whole, self._bound) if self._bound else whole
        return Limits(float(bound) if self._here else None, self._gpu)

    def _used(self) -> float:
        """By the bound that this process shares with an embedded service, or by the machine."""
        used = memory_used(self._machine) if self._bound else None
        if used is not None:
            return float(used)
        memory = psutil.virtual_memory()
        return float(memory.total - memory.available)

    def _metrics(self) -> Metrics:
        try:
            return read_metrics(self._client.metrics())
        except MalgwiError:  # not for this key, or not at this address
            return {}


def read_metrics(text: str) -> Metrics:
    """Of the text that Prometheus reads, ours."""
    found: dict[str, list[float]] = {}
    for name, value in _LINE.findall(text):
        found.setdefault(name, []).append(float(value))
    return {name: tuple(values) for name, values in found.items()}


def _sum_of(system: Mapping[str, Any], what: str) -> int:
    return sum(int(each[what]) for each in system["lanes"])


def _total(metrics: Metrics, name: str) -> float | None:
    """None where nobody tells; 0 of a service that has recognised nothing yet is not told."""
    values = metrics.get(name)
    return sum(values) if values is not None else None
