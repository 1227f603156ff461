"""How this installation is: its engines, models and disk, as `GET /v1/system` tells it."""

import shutil
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version

from malgwi import ops
from malgwi.apps.transcription.api import EngineState, Installation, InstalledModel
from malgwi.config import Config, data_folder
from malgwi.scheduling import Dispatcher, ModelFleet
from malgwi.store import SqlStore

_ELSEWHERE = "Jobs are done by workers elsewhere, and they do not tell what their engines run on."


def found(config: Config, store: SqlStore, fleet: ModelFleet, started: datetime) -> Installation:
    """As it is now. Raises StoreGone."""
    folder = data_folder(config)
    disk = shutil.disk_usage(folder)
    return Installation(
        version=version("malgwi"),
        started=started,
        engines=tuple(map(_engine, fleet.dispatchers())),
        engines_elsewhere=_ELSEWHERE if config.jobs.queue == "celery" else None,
        models=tuple(_models(config)),
        folder=folder,
        free=disk.free,
        total=disk.total,
        media=store.media_bytes(),
        database=store.database.size,
        last_backup=store.last_backup(),
    )


def _engine(dispatcher: Dispatcher) -> EngineState:
    failed = dispatcher.hopeless or dispatcher.load_error
    return EngineState(
        model=dispatcher.model,
        state=_state(dispatcher),
        reason=str(failed) if failed else None,
        engine=dispatcher.engine,
        memory=dispatcher.memory,
    )


def _state(dispatcher: Dispatcher) -> str:
    if dispatcher.loaded:
        return "ready"
    if dispatcher.hopeless or dispatcher.load_error:
        return "failed"
    return "loading" if dispatcher.loading or dispatcher.engine is None else "unloaded"


def _models(config: Config) -> Iterator[InstalledModel]:
    for listed in ops.listing(config.models):
        if listed.folder:
            size = sum(each.stat().st_size for each in listed.folder.iterdir() if each.is_file())
            known = listed.model
            yield InstalledModel(
                known.name, known.licence, known.commercial_use, size, listed.fault is None
            )
