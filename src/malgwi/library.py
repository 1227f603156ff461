"""All of it in one process on one port: what `malgwi serve` runs.

The engine with its dialects, as `malgwi engine` has it, and beside it what is kept: recordings
come in over the API or fall into a folder, jobs transcribe them with the same engines, and what
was said is found, corrected and exported. With Celery the jobs are done by workers elsewhere.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event, Thread

from fastapi import FastAPI
from starlette.types import ASGIApp

from malgwi import bootstrap, installation, measuring, serving, workers
from malgwi.apps.transcription import api
from malgwi.apps.transcription.dialects import SHAPES, routers
from malgwi.apps.transcription.orders import KIND, Order
from malgwi.apps.transcription.watch import Names, Scan, Told, Watcher
from malgwi.apps.transcription.webhooks import Reach, Sender
from malgwi.audio import Decoders, Listening
from malgwi.config import Config, data_folder
from malgwi.errors import EngineMissing
from malgwi.gateway import Keys, Metrics, read_keys
from malgwi.jobs import Queue, borne
from malgwi.jobs.inprocess import InProcess
from malgwi.ops import doctor
from malgwi.pipeline import Engines
from malgwi.serving import Front, Parts
from malgwi.store import Glossaries, Ledger, Notes, Outbox, People, Search, SqlStore, Uploads
from malgwi.types import Lane

log = logging.getLogger(__name__)

CHECKS = doctor.chosen(doctor.CHECKS, skip=("DOCK", "COMPOSE", "ENGINE", "LIB", "QUEUE-006"))
"""Those of the doctor that a running service can make of its machine: it is itself the engine, and
tells of jobs that were given up anyway."""
HOUR = 3600.0
LISTENERS = 4
"""Recordings that are decoded at the same time for who listens."""
PATIENCE = 10.0
"""Seconds that what is done beside has to end in."""


def run(config: Config, announce: Callable[[str], None]) -> bool:
    """Serve until SIGTERM or Ctrl-C. False where it ended because an engine cannot be kept alive.

    Raises as `serving.run`, and StoreError where what is kept cannot be opened.
    """
    data = data_folder(config)
    names = Names(config.serve.watch_pattern, config.serve.watch_files)
    workers.check_watched_folder(config)
    with ExitStack() as open_things:
        store = workers.open_store(config)
        open_things.callback(store.close)
        keys, people = serving.settings_keys(config), People(store.database)
        lock = api.lock_of(store, people, keys, config.serve.host, _media_keys(config))
        parts = open_things.enter_context(serving.opened(config, spool=data / "spool"))
        stop = Event()
        queue = open_things.enter_context(_queue(config, store, parts))
        listeners = open_things.enter_context(Decoders(processes=1, most=LISTENERS))
        doors = api.ApiDoors(
            store=store,
            people=people,
            keys=keys,
            ledger=Ledger(store.database),
            uploads=Uploads(store.database, data / "uploads"),
            glossaries=Glossaries(store.database),
            notes=Notes(store.database),
            spool=parts.spool,
            crossing=parts.crossing,
            limits=parts.limits,
            send=queue.send,
            search=Search(store.database),
            listen=Listening(listeners).excerpt,
            reference_folders=config.serve.reference_folders,
            installation=partial(installation.found, config, store, parts.fleet, datetime.now(UTC)),
            examine=lambda: bootstrap.examine(config, CHECKS).results,
            outbox=Outbox(store.database),
            reach=Reach(config.serve.webhook_hosts, config.offline),
            ending=stop.is_set,
        )
        _watch_over(parts.metrics, store, data, doors)
        watcher = _watcher(config, names, store, queue, parts)
        chores = _chores(store, doors, config.jobs.keep_days, watcher, parts.metrics)
        open_things.enter_context(_beside(chores, stop))
        front = Front(
            "Malgwi",
            config.serve.host,
            config.serve.port,
            lock,
            [*api.routers(doors), api.for_editors(routers(parts.doors))],
            {**SHAPES, **api.SHAPES},
            _console if config.serve.console else lambda app: app,
            api.OPEN_PATHS,
        )
        return serving.serve(parts, front, announce, on_end=stop.set)


def _media_keys(config: Config) -> Keys:
    """By which workers on other nodes fetch media. Raises BadOption."""
    key = config.serve.media_key
    return read_keys(None, key.get_secret_value() if key else None)


def _console(service: FastAPI) -> ASGIApp:
    try:
        from malgwi.console.app import beside  # takes a second
    except ModuleNotFoundError as error:
        raise EngineMissing("console", error.name) from error
    return beside(service)


@contextmanager
def _queue(config: Config, store: SqlStore, parts: Parts) -> Iterator[Queue]:
    """Threads of this process that do the jobs, or the way to workers elsewhere."""
    if config.jobs.queue == "celery":
        queue = workers.queue_of(config)
        with workers.present(config, "api"):
            yield queue
        return
    engines = partial(_shared_engines, config, parts)
    made = workers.context(config, store, engines, lambda: parts.decoders)
    with borne(store.instance, data_folder(config) / "workers.lock") as name:
        queue = InProcess(made, workers.QUEUES, name=name, workers=config.jobs.workers)
        queue.start()
        try:
            yield queue
        finally:
            queue.close()


def _shared_engines(config: Config, parts: Parts, order: Order, lane: Lane, stop: Event) -> Engines:
    """Jobs share batches with whoever asks over HTTP, each in its lane."""
    stt = parts.fleet.transcriber(order.model, lane, stop)
    return Engines(bootstrap.new_vad(config), stt, bootstrap.rules(None))


Chore = Callable[[Event], None]
"""Goes on until the event is set."""


def _chores(
    store: SqlStore,
    doors: api.ApiDoors,
    keep: float,
    watcher: Callable[[], Watcher] | None,
    metrics: Metrics,
) -> Iterator[Chore]:
    yield Sender(doors.outbox, doors.reach).run
    yield partial(_sweep, store, doors, keep)
    if watcher:
        looks = measuring.Looks()
        metrics.pull_all(looks.measured)
        yield partial(_watch, watcher, looks.add)


def _sweep(store: SqlStore, doors: api.ApiDoors, keep_days: float, stop: Event) -> None:
    """Every hour: what no recording has, uploads that nobody goes on with, jobs of long ago."""
    while not stop.is_set():
        try:
            api.sweep(doors)
            store.sweep_media()
            if keep_days:
                Ledger(store.database).forget(timedelta(days=keep_days))
        except Exception as error:
            log.warning("what is not wanted any more could not be swept", exc_info=error)
        stop.wait(HOUR)


def _watcher(
    config: Config, names: Names, store: SqlStore, queue: Queue, parts: Parts
) -> Callable[[], Watcher] | None:
    """What makes it, in the thread that is to use it; None where no folder is watched."""
    if config.serve.watch is None:
        return None
    ledger = Ledger(store.database)

    def add_job(recording_id: str, told: Told) -> None:
        order = Order(recording_id, languages=told.languages, glossary=told.glossary)
        job = ledger.add(
            KIND,
            order.payload,
            lane=Lane.BATCH,
            queue="batch",
            key=f"watch:{recording_id}",
            recording_id=recording_id,
        )
        queue.send(job)

    return partial(
        Watcher,
        config.serve.watch,
        store,
        add_job,
        open=partial(workers.opened, lambda: parts.decoders),
        memory=data_folder(config) / "watched.db",
        names=names,
    )


def _watch(make: Callable[[], Watcher], looked: Callable[[Scan], None], stop: Event) -> None:
    watcher = make()
    try:
        watcher.run(stop, looked=looked)
    finally:
        watcher.close()


def _watch_over(metrics: Metrics, store: SqlStore, data: Path, doors: api.ApiDoors) -> None:
    measuring.watch_store(metrics, store, data)
    metrics.pull("malgwi_sign_in_failures_total", lambda: {(): float(doors.attempts.failures)})


@contextmanager
def _beside(chores: Iterable[Chore], stop: Event) -> Iterator[None]:
    threads = [Thread(target=each, args=(stop,), name="chore", daemon=True) for each in chores]
    for each in threads:
        each.start()
    try:
        yield
    finally:
        stop.set()
        for each in threads:
            each.join(PATIENCE)
