"""What is kept, and the workers that do the jobs, put together: `malgwi worker`, `malgwi reaper`.

The engines of a worker are its own, or with STT_ENDPOINT those of a service elsewhere.
"""

import logging
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, lru_cache, partial
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit

from malgwi import audio, bootstrap, jobs, logs, memory, plugins, text
from malgwi.apps.transcription.api import GLOSSARY, glossary_of
from malgwi.apps.transcription.orders import KIND, Order
from malgwi.apps.transcription.work import Rewriting, Source, Transcribing
from malgwi.config import Config, data_folder, database_address
from malgwi.errors import BadOption
from malgwi.jobs import Context, Handler, Queue
from malgwi.ops import doctor
from malgwi.pipeline import Engines
from malgwi.store import Elsewhere, Glossaries, Ledger, MediaSource, SqlStore
from malgwi.types import Lane

HOUR = 3600.0

log = logging.getLogger(__name__)

QUEUES = ("realtime", "analysis", "batch")
"""Which workers there may be; jobs of transcription are `batch` unless somebody waits."""

DecodersOf = Callable[[], audio.Decoders]
EnginesOf = Callable[[Order, Lane, Event], Engines]


def open_store(config: Config, elsewhere: Elsewhere | None = None) -> SqlStore:
    """Raises StoreError where the database or the folder is not what it was."""
    return SqlStore(database_address(config), data_folder(config), elsewhere)


def media_elsewhere(config: Config) -> Elsewhere | None:
    """Where workers fetch media from; None where they are in the data folder. Raises BadOption."""
    settings = config.store
    if settings.media_url is None:
        return None
    key = settings.media_key.get_secret_value() if settings.media_key else ""
    source = MediaSource(settings.media_url, key, settings.media_ca_file)
    return Elsewhere(source, settings.media_cache_bytes)


def check_watched_folder(config: Config) -> None:
    """Raises BadOption where what is kept lies in it, which would be taken, or moved away as no
    recording; or the other way round."""
    if config.serve.watch is None:
        return
    watched = config.serve.watch.resolve()
    database = urlsplit(database_address(config))
    kept = [data_folder(config).resolve()]
    if database.scheme == "sqlite":
        kept.append(Path(database.path.removeprefix("/")).resolve())
    for each in kept:
        if each.is_relative_to(watched) or watched.is_relative_to(each):
            raise BadOption(
                f"The watched folder {watched} and {each}, where recordings are kept, lie in each "
                "other: what is kept would be taken for what has come. Name another folder."
            )


def run_worker(config: Config, queues: Sequence[str]) -> int:
    """Do jobs of these queues until SIGTERM or Ctrl-C; returns the exit code."""
    logs.set_up()
    memory.share_arenas()
    unknown = set(queues) - set(QUEUES)
    if unknown:
        raise BadOption(f"There is no queue {min(unknown)!r}. There are: {', '.join(QUEUES)}.")
    _check_celery(config)
    build = partial(worker_context, config)
    with present(config, "worker", queues):
        return jobs.run_worker(build, _broker(config), queues, processes=config.jobs.workers)


def present(config: Config, role: str, queues: Sequence[str] = ()) -> jobs.Presence:
    """Tells in Redis that this service is there, and how it is; see `jobs.Presence`."""
    node = config.jobs.node or socket.gethostname()
    elsewhere = media_elsewhere(config) if role == "worker" else None
    about = doctor.unchanging(role, node, tuple(queues))
    return jobs.Presence(_broker(config), about, partial(doctor.facts, config, elsewhere))


def run_reaper(config: Config) -> int:
    """See after jobs whose workers died, until SIGTERM or Ctrl-C."""
    logs.set_up()
    store = open_store(config)
    try:
        with _until_told() as stop:
            ledger = Ledger(store.database)
            jobs.run_reaper(ledger, queue_of(config), lease=config.jobs.lease, stop=stop)
    finally:
        store.close()
    return 0


def queue_of(config: Config) -> Queue:
    """What carries ids to workers elsewhere. Raises EngineMissing without Celery."""
    _check_celery(config)
    queue: Queue = plugins.load("jobs", "celery")(_broker(config))
    return queue


def worker_context(config: Config) -> Context:
    """What a worker process needs; made in that process."""
    store = open_store(config, media_elsewhere(config))
    Thread(target=_sweep, args=(store,), name="sweep", daemon=True).start()
    return context(config, store, _own_engines(config), _own_decoders(config))


def _sweep(store: SqlStore) -> None:
    """Every hour: what was purged where it is kept is to be nowhere."""
    while True:
        try:
            store.sweep_fetched()
        except Exception as error:
            log.warning("what is not wanted any more could not be swept", exc_info=error)
        time.sleep(HOUR)


def context(config: Config, store: SqlStore, engines: EnginesOf, decoders: DecodersOf) -> Context:
    """`engines` does not know glossaries; they are added here."""
    return Context(
        Ledger(store.database),
        _handlers(store, engines, decoders),
        lease=config.jobs.lease,
        time_limit=config.jobs.time_limit,
    )


def _handlers(store: SqlStore, engines: EnginesOf, decoders: DecodersOf) -> dict[str, Handler]:
    """Who does which kind of job."""
    glossaries = Glossaries(store.database)
    with_terms = partial(_with_glossary, engines, glossaries)
    return {
        KIND: Transcribing(store, partial(opened, decoders), with_terms),
        GLOSSARY: Rewriting(store, partial(_terms, glossaries)),
    }


@contextmanager
def opened(
    decoders: DecodersOf, sources: Sequence[Source], labels: Sequence[str], stop: Event
) -> Iterator[audio.Recording]:
    """Decoded in another process: the worker is to outlive what it is given."""
    yield decoders().open(
        [each.path for each in sources],
        names=[each.name for each in sources],
        labels=labels,
        offsets=[each.offset for each in sources],
        stop=stop,
    )


def _own_decoders(config: Config) -> DecodersOf:
    """Started for the first job, and kept for those after it; they end with the worker."""

    @cache
    def started() -> audio.Decoders:
        return audio.Decoders(processes=1, most=config.jobs.workers).__enter__()

    return started


def _own_engines(config: Config) -> EnginesOf:
    """Loaded for the first job that names their model, and kept for those after it."""

    @lru_cache(maxsize=2)
    def loaded(model: str) -> Engines:
        return bootstrap.engines(config, model=model or None)

    names = bootstrap.aliases(config, default="")
    return lambda order, lane, stop: loaded(names.get(order.model, order.model))


def _with_glossary(
    engines: EnginesOf, glossaries: Glossaries, order: Order, lane: Lane, stop: Event
) -> Engines:
    plain = engines(order, lane, stop)
    if order.glossary is None:
        return plain
    return replace(plain, rules=bootstrap.rules(_terms(glossaries, order.glossary, None)))


def _terms(glossaries: Glossaries, name: str, revision: int | None) -> text.Glossary:
    return glossary_of(glossaries.find(name, revision).content)


@contextmanager
def _until_told() -> Iterator[Event]:
    """The event is set by SIGTERM or Ctrl-C."""
    stop = Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [(each, signal.signal(each, lambda *_: stop.set())) for each in numbers]
    try:
        yield stop
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _check_celery(config: Config) -> None:
    if config.jobs.queue != "celery":
        raise BadOption(
            "Jobs are done in `malgwi serve` itself. For workers of their own set "
            "MALGWI_JOBS__QUEUE=celery and MALGWI_JOBS__BROKER."
        )


def _broker(config: Config) -> str:
    if config.jobs.broker is None:
        raise BadOption("Celery needs Redis. Set MALGWI_JOBS__BROKER=redis://host:6379/0.")
    return config.jobs.broker.get_secret_value()
