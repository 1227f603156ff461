"""What can be measured from outside: `/metrics`, in the text that Prometheus reads.

All names are in METRICS, and docs/reference/monitoring.md has the same list for people. What
happens is told to `Metrics` with plain values, from any thread; what is, is asked for at every
scrape. No label holds an id, a name of a file or anything else that a client may choose.
"""

import os
import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

Kind = Literal["counter", "gauge", "histogram"]

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)
_PIECES = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True, slots=True)
class Metric:
    """A name, and what stands behind it."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()


_ENGINE = ("engine", "model", "device")

METRICS = (
    Metric(
        "malgwi_request_duration_seconds",
        "histogram",
        ("route", "status"),
        "From the first byte of a request to the last of its answer.",
        _SECONDS,
    ),
    Metric("malgwi_uploads_active", "gauge", (), "Uploads that are being received."),
    Metric("malgwi_upload_bytes_total", "counter", (), "Bytes that were received as uploads."),
    Metric(
        "malgwi_audio_seconds_total", "counter", (*_ENGINE, "lane"), "Sound that was recognised."
    ),
    Metric(
        "malgwi_processing_seconds_total",
        "counter",
        (*_ENGINE, "lane"),
        "Time that engines took for it; a batch's time is shared out by length of sound.",
    ),
    Metric(
        "malgwi_queue_oldest_age_seconds", "gauge", ("lane",), "How long the oldest piece waits."
    ),
    Metric("malgwi_queue_pieces", "gauge", ("lane",), "Pieces that wait for an engine."),
    Metric("malgwi_batch_size", "histogram", _ENGINE, "Pieces that shared one call.", _PIECES),
    Metric(
        "malgwi_lag_seconds",
        "histogram",
        ("lane",),
        "From the arrival of a piece to its answer.",
        _SECONDS,
    ),
    Metric(
        "malgwi_device_fallback_info",
        "gauge",
        ("requested", "actual", "reason"),
        "1 for each device that was asked for and could not be had.",
    ),
    Metric("malgwi_model_loaded_info", "gauge", _ENGINE, "1 while a model is loaded."),
    Metric("malgwi_model_load_seconds", "gauge", _ENGINE, "What loading it took the last time."),
    Metric(
        "malgwi_process_resident_memory_bytes",
        "gauge",
        ("process",),
        "Resident memory of this process, `parent`, and of the engines' processes.",
    ),
    Metric("malgwi_canary_seconds", "gauge", _ENGINE, "What the last canary transcription took."),
    Metric(
        "malgwi_engine_restarts_total",
        "counter",
        ("engine", "model"),
        "Engine processes that were started again after they died or wedged.",
    ),
    Metric(
        "malgwi_pieces_total",
        "counter",
        (*_ENGINE, "outcome"),
        "Pieces of speech that were recognised: as `words`, as `nothing`, or as `doubtful` words.",
    ),
    Metric(
        "malgwi_pieces_decoded_again_total",
        "counter",
        _ENGINE,
        "Pieces that were decoded more than once, after a loop or for low confidence.",
    ),
    Metric("malgwi_gpu_info", "gauge", ("gpu", "name", "driver"), "1 for each card, by its UUID."),
    Metric("malgwi_gpu_memory_free_bytes", "gauge", ("gpu",), "Memory of a card that is free."),
    Metric("malgwi_gpu_memory_total_bytes", "gauge", ("gpu",), "Memory that a card has."),
    Metric("malgwi_store_up", "gauge", (), "1 where the database answers, else 0."),
    Metric("malgwi_jobs", "gauge", ("lane", "state"), "Jobs that wait, run, or were given up."),
    Metric(
        "malgwi_jobs_tried_again",
        "gauge",
        ("lane",),
        "Jobs that wait or run, and were begun before.",
    ),
    Metric(
        "malgwi_jobs_silent",
        "gauge",
        ("lane",),
        "Running jobs whose worker was not heard of in time, and that nobody took from it yet.",
    ),
    Metric(
        "malgwi_job_oldest_age_seconds",
        "gauge",
        ("lane",),
        "How long ago the oldest job that waits was added; 0 where none waits.",
    ),
    Metric(
        "malgwi_job_start_delay_seconds",
        "gauge",
        ("lane",),
        "How long, of the jobs that run, the one that had to wait longest waited; 0 without any.",
    ),
    Metric(
        "malgwi_webhook_deliveries",
        "gauge",
        ("state",),
        "Deliveries that are to be made, and those that were given up within a month.",
    ),
    Metric("malgwi_watch_files_total", "counter", ("outcome",), "Files of the watched folder."),
    Metric("malgwi_watch_files_waiting", "gauge", (), "Files there that are not whole yet."),
    Metric(
        "malgwi_watch_last_look_timestamp_seconds",
        "gauge",
        (),
        "When the watched folder was looked through last; until then, when the service started.",
    ),
    Metric("malgwi_sign_in_failures_total", "counter", (), "Wrong passwords and keys."),
    Metric("malgwi_disk_free_bytes", "gauge", (), "Room on the disk of the data."),
    Metric("malgwi_disk_size_bytes", "gauge", (), "Size of the disk of the data."),
    Metric(
        "malgwi_backup_last_success_timestamp_seconds",
        "gauge",
        (),
        "Of which moment the newest backup is; absent where there is none.",
    ),
    Metric("malgwi_build_info", "gauge", ("version", "python"), "Always 1."),
)

Pulled = Callable[[], Mapping[tuple[str, ...], float]]
"""Gives a value for each set of labels, at every scrape, from a thread; does not raise."""
Measured = Mapping[str, Mapping[tuple[str, ...], float]]
"""Several metrics by name, each with its values."""


class Metrics:
    """All metrics of a process, in a registry of their own."""

    def __init__(self, version: str) -> None:
        # Each counter would have a second series that nobody asks for.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._pulled = _PulledMetrics()
        self.registry.register(self._pulled)
        self._requests = self._histogram("malgwi_request_duration_seconds")
        self._audio = self._counter("malgwi_audio_seconds_total")
        self._processing = self._counter("malgwi_processing_seconds_total")
        self._batches = self._histogram("malgwi_batch_size")
        self._lag = self._histogram("malgwi_lag_seconds")
        self._fallbacks = self._gauge("malgwi_device_fallback_info")
        self._loaded = self._gauge("malgwi_model_loaded_info")
        self._load_seconds = self._gauge("malgwi_model_load_seconds")
        self._canaries = self._gauge("malgwi_canary_seconds")
        self._restarts = self._counter("malgwi_engine_restarts_total")
        self._pieces = self._counter("malgwi_pieces_total")
        self._decoded_again = self._counter("malgwi_pieces_decoded_again_total")
        self._gauge("malgwi_build_info").labels(version, platform.python_version()).set(1)
        self.pull("malgwi_process_resident_memory_bytes", _parent_memory)

    def pull(self, name: str, values: Pulled) -> None:
        """Have a metric asked for at every scrape; several may give to the same name."""
        metric = _BY_NAME[name]
        self._pulled.add(lambda: {metric.name: values()})

    def pull_all(self, values: Callable[[], Measured]) -> None:
        """As `pull`, of several that are found out at once."""
        self._pulled.add(values)

    def request_done(self, route: str, status: int, seconds: float) -> None:
        """`route` is the template of the path, for there are few of them."""
        self._requests.labels(route, str(status)).observe(seconds)

    def batch_done(  # noqa: PLR0913  (by keyword, and each stands for itself)
        self,
        *,
        engine: str,
        model: str,
        device: str,
        pieces: int,
        seconds: float,
        audio: Mapping[str, float],
    ) -> None:
        """A call of an engine took `seconds` for `pieces`; `audio` is their sound by lane."""
        self._batches.labels(engine, model, device).observe(pieces)
        whole = sum(audio.values())
        for lane, length in audio.items():
            share = length / whole if whole else 1 / len(audio)
            self._audio.labels(engine, model, device, lane).inc(length)
            self._processing.labels(engine, model, device, lane).inc(seconds * share)

    def recognised(
        self, *, engine: str, model: str, device: str, outcome: str, again: bool
    ) -> None:
        """A piece was; `again`: it had to be decoded more than once."""
        self._pieces.labels(engine, model, device, outcome).inc()
        self._decoded_again.labels(engine, model, device).inc(again)

    def piece_answered(self, lane: str, seconds: float) -> None:
        """`seconds` from the arrival of the piece."""
        self._lag.labels(lane).observe(seconds)

    def model_loaded(self, *, engine: str, model: str, device: str, seconds: float) -> None:
        self._loaded.labels(engine, model, device).set(1)
        self._load_seconds.labels(engine, model, device).set(seconds)
        self._restarts.labels(engine, model)  # from 0, or nobody would see the first

    def model_unloaded(self, *, engine: str, model: str, device: str) -> None:
        self._loaded.remove(engine, model, device)

    def fell_back(self, *, requested: str, actual: str, reason: str) -> None:
        """`reason` is a sentence or a code of ours, the same each time."""
        self._fallbacks.labels(requested, actual, reason).set(1)

    def canary_done(self, *, engine: str, model: str, device: str, seconds: float) -> None:
        self._canaries.labels(engine, model, device).set(seconds)

    def engine_restarted(self, *, engine: str, model: str) -> None:
        self._restarts.labels(engine, model).inc()

    def _counter(self, name: str) -> Counter:
        return Counter(*_arguments(name), registry=self.registry)

    def _gauge(self, name: str) -> Gauge:
        return Gauge(*_arguments(name), registry=self.registry)

    def _histogram(self, name: str) -> Histogram:
        buckets = _BY_NAME[name].buckets
        return Histogram(*_arguments(name), registry=self.registry, buckets=buckets)


class _PulledMetrics(Collector):
    def __init__(self) -> None:
        self._asked: list[Callable[[], Measured]] = []

    def add(self, values: Callable[[], Measured]) -> None:
        self._asked.append(values)

    def collect(self) -> Iterator[Any]:
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for asked in self._asked:
            for name, values in asked().items():
                family = families.setdefault(name, _family(_BY_NAME[name]))
                for labels, value in values.items():
                    family.add_metric(labels, value)
        return iter(families.values())


def _family(metric: Metric) -> CounterMetricFamily | GaugeMetricFamily:
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    return kind(metric.name, metric.help, labels=metric.labels)


def metrics_routes(metrics: Metrics) -> APIRouter:
    routes = APIRouter(tags=["metrics"])

    @routes.get("/metrics", response_class=PlainTextResponse)
    def all_metrics(request: Request) -> Response:
        """All metrics, for Prometheus."""
        encode, content_type = _encoder(request.headers.get("accept", ""))
        return Response(encode(metrics.registry), headers={"content-type": content_type})

    return routes


def _encoder(accept: str) -> tuple[Callable[[Any], bytes], str]:
    try:
        return choose_encoder(accept)
    except (TypeError, ValueError):  # it compares versions that are no numbers
        return choose_encoder("")


def resident_bytes(pid: int) -> int | None:
    """Resident memory of a process; None where it is gone, or where there is no /proc."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
    except (OSError, IndexError):
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _parent_memory() -> Mapping[tuple[str, ...], float]:
    size = resident_bytes(os.getpid())
    return {} if size is None else {("parent",): size}


def _arguments(name: str) -> tuple[str, str, tuple[str, ...]]:
    metric = _BY_NAME[name]
    return metric.name, metric.help, metric.labels


_BY_NAME = {metric.name: metric for metric in METRICS}
