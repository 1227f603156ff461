"""The engine service put together: what `malgwi engine` runs.

decoders     processes that read what strangers send
fleet        the engines, each in a process of its own
service      from an upload to a transcript
dialects     as four kinds of clients ask for it over HTTP, and a fifth over Wyoming
health       a canary for each engine; who cannot be kept alive ends the service
"""

import logging
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from threading import Event, Thread
from typing import Any

import uvicorn
from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from malgwi import bootstrap, gateway, logs, measuring, memory, ops, plugins, stt
from malgwi.apps.transcription.dialects import SHAPES, Doors, routers
from malgwi.apps.transcription.service import Service
from malgwi.apps.transcription.wyoming import ModelCard, WyomingDoor, check_wyoming_exposure
from malgwi.audio import Decoders, Recording
from malgwi.config import Config
from malgwi.errors import MalgwiError
from malgwi.gateway import Crossing, Keys, Limits, Lock, Metrics, Readiness, Shape, Spool
from malgwi.scheduling import Build, Dispatcher, Lane, ModelFleet, Plan
from malgwi.stt import Recognition
from malgwi.types import Engine

log = logging.getLogger(__name__)

DRAIN = 30
"""Seconds that requests have to end when the service is asked to."""
LOOK = 0.5
HEALTH = ("/health", "/v1/health")
"""Where the clients of one dialect or another look for it."""
FILES = {"faster-whisper": "model.bin", "transformers": "model.bin"}
"""By which file a model of an engine is known."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What every service has that recognises speech."""

    config: Config
    default: str
    """The name of the default model."""
    metrics: Metrics
    limits: Limits
    fleet: ModelFleet
    decoders: Decoders
    crossing: Crossing
    spool: Spool
    service: Service

    @property
    def doors(self) -> Doors:
        fetch = partial(_fetched, self.config, self.spool, self.crossing)
        return Doors(self.service, self.spool, self.crossing, fetch)


@dataclass(frozen=True, slots=True)
class Front:
    """What is served at an address."""

    title: str
    host: str
    port: int
    lock: Lock
    routers: Sequence[APIRouter]
    shapes: Mapping[str, Shape]
    around: Callable[[FastAPI], ASGIApp] = lambda app: app
    """Puts pages beside it."""
    open_paths: Sequence[str] = ()


def run(config: Config, announce: Callable[[str], None]) -> bool:
    """Serve until SIGTERM or Ctrl-C. False where it ended because an engine cannot be kept alive,
    so that a supervisor should start it again.

    `announce` gets the address once it answers there. Raises BadOption for an address that cannot
    be used, and what keeps the default model from being found or loaded.
    """
    keys = settings_keys(config)
    gateway.check_exposure(config.engine.host, keys)
    with opened(config) as parts:
        front = Front(
            "Malgwi engine",
            config.engine.host,
            config.engine.port,
            keys,
            routers(parts.doors),
            SHAPES,
        )
        return serve(parts, front, announce)


@contextmanager
def opened(config: Config, spool: Path | None = None) -> Iterator[Parts]:
    """The parts, which end with the block. Raises what keeps the default model from being found.

    `spool` is where uploads lie, if it matters.
    """
    logs.set_up()
    memory.share_arenas()
    if config.engine.wyoming:
        check_wyoming_exposure(config.engine.wyoming_host, config.engine.wyoming_clients)
    default, metrics, limits = _default(config), Metrics(version("malgwi")), _limits(config)
    with ExitStack() as open_things:
        fleet = ModelFleet(_plan(config, default), _Counting(metrics, config.stt.device))
        open_things.callback(fleet.close)
        decoders = open_things.enter_context(Decoders(most=config.engine.decoders))
        crossing = Crossing(config.engine.requests)
        open_things.callback(crossing.close)
        received = Spool(spool or _spool(config), limits, crossing, metrics)
        open_things.callback(received.close)
        service = Service(
            fleet,
            partial(_opened, decoders, limits),
            bootstrap.new_vad(config),
            bootstrap.rules(None),
        )
        _watch_queues(metrics, fleet)
        cards = measuring.Cards()
        open_things.callback(cards.close)
        cards.start()
        metrics.pull_all(cards.measured)
        yield Parts(config, default, metrics, limits, fleet, decoders, crossing, received, service)


def serve(
    parts: Parts,
    front: Front,
    announce: Callable[[str], None],
    on_end: Callable[[], None] = lambda: None,
) -> bool:
    """As `run`, with the parts that are there.

    `on_end` is called as soon as the service is to end, while there are still requests: so that
    answers that go on for ever end, too.
    """
    with gateway.listening(front.host, front.port) as listening:
        opening = _Opening(parts, lambda: announce(gateway.address_of(listening)))
        app = gateway.new_app(
            title=front.title,
            version=version("malgwi"),
            keys=front.lock,
            metrics=parts.metrics,
            health=_Health(parts.fleet, parts.default, parts.config.engine.canary, parts.metrics),
            routers=front.routers,
            shapes=front.shapes,
            health_paths=HEALTH,
            open_paths=front.open_paths,
            lifespan=opening.lifespan,
        )
        server = gateway.new_server(front.around(app), DRAIN)
        watch = _Watch(parts.fleet, parts.default, server, on_end)
        watch.start()
        started = gateway.run(server, listening)
        if opening.failed:
            raise opening.failed
        return watch.verdict() and started


class _Opening:
    """What is served beside HTTP, for as long as HTTP is: Wyoming."""

    def __init__(self, parts: Parts, on_start: Callable[[], None]) -> None:
        self._parts, self._on_start = parts, on_start
        self.failed: MalgwiError | None = None
        """What kept it from starting."""

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        config = self._parts.config.engine
        async with AsyncExitStack() as open_things:
            if config.wyoming:
                door = _wyoming_door(self._parts)
                try:
                    await door.start(config.wyoming_host, config.wyoming_port)
                except MalgwiError as error:
                    self.failed = error
                    raise
                open_things.push_async_callback(door.stop)
            self._on_start()
            yield


def _limits(config: Config) -> Limits:
    return Limits(
        upload_bytes=config.engine.upload_bytes,
        seconds=config.engine.seconds,
        channels=config.engine.channels,
        uploads=config.engine.requests,
    )


def _default(config: Config) -> str:
    """The name of the default model. Raises ModelMissing, ModelBroken where it is not here."""
    if config.stt.endpoint:
        return config.stt.model if "model" in config.stt.model_fields_set else "remote"
    plugins.load("stt", config.stt.engine)
    model = bootstrap.default_model(config)
    if model:
        ops.find(model, config.models)
    return model or config.stt.engine


def _plan(config: Config, default: str) -> Plan:
    wanted = config.engine.preload
    return Plan(
        default=default,
        installed=partial(_installed, config, default),
        build=partial(_build, config, default),
        size=partial(_size, config, default),
        aliases=bootstrap.aliases(config, default),
        memory=config.engine.memory,
        idle=config.engine.idle_unload,
        patience=config.engine.patience,
        preload=[default] if wanted is None else wanted,
    )


def _build(config: Config, default: str, name: str) -> Build:
    """The default may be an engine that needs no model, or a server that has its own."""
    model = bootstrap.default_model(config) if name == default else name
    return bootstrap.worker_build(config, model)


def _size(config: Config, default: str, name: str) -> int:
    model = bootstrap.default_model(config) if name == default else name
    return bootstrap.model_bytes(config, None if config.stt.endpoint else model)


def _installed(config: Config, default: str) -> Sequence[str]:
    """The models that the engine of the settings can run, and that are here."""
    file = FILES.get(config.stt.engine)
    if config.stt.endpoint or file is None or not config.models.is_dir():
        return [default]
    return sorted(each.name for each in config.models.iterdir() if (each / file).is_file())


def settings_keys(config: Config) -> Keys:
    """Those that the settings name. Raises BadOption."""
    plain = config.engine.keys.get_secret_value() if config.engine.keys else None
    return gateway.read_keys(config.engine.key_file, plain)


def _spool(config: Config) -> Path:
    return config.engine.spool or config.home / "spool"


@contextmanager
def _opened(
    decoders: Decoders, limits: Limits, path: Path, name: str, stop: Event
) -> Iterator[Recording]:
    yield decoders.open(
        [path], names=[name], longest=limits.seconds, most_channels=limits.channels, stop=stop
    )


def _fetched(config: Config, spool: Spool, crossing: Crossing, request: Any, url: str) -> Any:
    return gateway.fetched(
        request,
        url,
        spool=spool,
        crossing=crossing,
        hosts=config.engine.url_hosts,
        limit=config.engine.upload_bytes,
        offline=config.offline,
    )


def _wyoming_door(parts: Parts) -> WyomingDoor:
    return WyomingDoor(
        parts.service,
        _spool(parts.config) / "wyoming",
        partial(_card, parts.fleet, tuple(stt.NAMES)),
        version=version("malgwi"),
        clients=parts.config.engine.wyoming_clients,
    )


class _Watch(Thread):
    """Ends the service when its engine cannot be loaded, or cannot be kept alive, and tells who
    has to know that it ends."""

    def __init__(
        self,
        fleet: ModelFleet,
        default: str,
        server: uvicorn.Server,
        on_end: Callable[[], None],
    ) -> None:
        super().__init__(name="watch the engines", daemon=True)
        self._fleet, self._default, self._server = fleet, default, server
        self._on_end = on_end
        self._error: MalgwiError | None = None
        self._worn_out = False

    def run(self) -> None:
        while not self._server.should_exit:
            for each in self._fleet.dispatchers():
                self._look(each)
            time.sleep(LOOK)
        self._on_end()

    def verdict(self) -> bool:
        """Whether it ended because it was asked to. Raises what kept the model from loading."""
        self._server.should_exit = True
        if self._error:
            raise self._error
        return not self._worn_out

    def _look(self, dispatcher: Dispatcher) -> None:
        if dispatcher.worn_out:
            log.critical("an engine cannot be kept alive", extra={"model": dispatcher.model})
            self._worn_out = True
            self._server.should_exit = True
        elif dispatcher.model == self._default and not dispatcher.engine and dispatcher.load_error:
            self._error = dispatcher.load_error
            self._server.should_exit = True


@dataclass(frozen=True, slots=True)
class _Health:
    """A canary for each engine that is loaded."""

    fleet: ModelFleet
    default: str
    budget: float
    metrics: Metrics

    def live(self) -> bool:
        return not any(each.worn_out for each in self.fleet.dispatchers())

    def ready(self) -> Readiness:
        """By the default model and those that are loaded: one that somebody asked for, and that is
        broken or on its way, keeps nobody else from being served."""
        engines = self.fleet.dispatchers()
        states = [self._state(each) for each in engines]
        fine = all(
            state["state"] in ("ready", "unloaded")
            for each, state in zip(engines, states, strict=True)
            if each.loaded or each.model == self.default
        )
        return Readiness(fine, states)

    def _state(self, dispatcher: Dispatcher) -> Mapping[str, object]:
        known = {"model": dispatcher.model, **_said(dispatcher.engine)}
        if dispatcher.hopeless:
            return {**known, "state": dispatcher.hopeless}
        if not dispatcher.loaded:
            loading = dispatcher.engine is None or dispatcher.loading
            return {**known, "state": "loading" if loading else "unloaded"}
        began = time.monotonic()
        try:
            if "en" in (dispatcher.languages or ()):
                heard = dispatcher.canary(stt.canary(), self.budget)
                assert dispatcher.engine
                stt.check_heard(heard, dispatcher.engine)
        except MalgwiError as error:
            return {**known, "state": str(error)}
        took = time.monotonic() - began
        if dispatcher.engine:
            self.metrics.canary_done(seconds=took, **_labels(dispatcher.engine))
        return {**known, "state": "ready", "canary_seconds": round(took, 3)}


@dataclass(frozen=True, slots=True)
class _Counting:
    """Tells the metrics what the engines do."""

    metrics: Metrics
    device: str
    """That was asked for."""

    def batch_done(
        self, engine: Engine, pieces: Sequence[tuple[Lane, float, float]], seconds: float
    ) -> None:
        audio: dict[str, float] = {}
        for lane, sound, lag in pieces:
            audio[lane] = audio.get(lane, 0.0) + sound
            self.metrics.piece_answered(lane, lag)
        self.metrics.batch_done(pieces=len(pieces), seconds=seconds, audio=audio, **_labels(engine))

    def recognised(self, engine: Engine, answers: Sequence[Recognition]) -> None:
        for each in answers:
            outcome = "doubtful" if each.doubt else "words" if each.words else "nothing"
            again = each.attempts > 1
            self.metrics.recognised(outcome=outcome, again=again, **_labels(engine))

    def loaded(self, engine: Engine, seconds: float) -> None:
        self.metrics.model_loaded(seconds=seconds, **_labels(engine))
        if engine.fallback_reason:
            self.metrics.fell_back(
                requested=self.device, actual=engine.device, reason=engine.fallback_reason
            )

    def unloaded(self, engine: Engine) -> None:
        self.metrics.model_unloaded(**_labels(engine))

    def restarted(self, engine: Engine) -> None:
        self.metrics.engine_restarted(engine=engine.name, model=engine.model)

    def halved(self, model: str, batch: int) -> None:
        """It is in the log."""


def _labels(engine: Engine) -> dict[str, str]:
    return {"engine": engine.name, "model": engine.model, "device": engine.device}


def _said(engine: Engine | None) -> Mapping[str, object]:
    if engine is None:
        return {}
    return {
        "engine": engine.name,
        "device": engine.device,
        "compute_type": engine.compute_type,
        "fallback_reason": engine.fallback_reason,
    }


def _watch_queues(metrics: Metrics, fleet: ModelFleet) -> None:
    def waiting(which: int) -> Mapping[tuple[str, ...], float]:
        return {
            (lane,): float(max([each.waiting(lane)[which] for each in fleet.dispatchers()] or [0]))
            for lane in Lane
        }

    def resident() -> Mapping[tuple[str, ...], float]:
        return {
            (f"engine {each.model}",): float(each.memory)
            for each in fleet.dispatchers()
            if each.memory
        }

    metrics.pull("malgwi_queue_pieces", lambda: waiting(0))
    metrics.pull("malgwi_queue_oldest_age_seconds", lambda: waiting(1))
    metrics.pull("malgwi_process_resident_memory_bytes", resident)


def _card(fleet: ModelFleet, languages: Collection[str], model: str) -> ModelCard:
    """What Wyoming says of a model: the languages of the engine, or before it was loaded of
    Whisper."""
    known = [each for each in fleet.dispatchers() if each.model == model]
    return ModelCard((known[0].languages if known else None) or languages)
