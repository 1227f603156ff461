"""Everything is put together here, and only here: settings in, engines that work out.

To find out what is plugged in where, read this page; it imports the rooms, and no room
imports it.
"""

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Event
from typing import Any

from malgwi import audio, devices, ops, pipeline, plugins, stt, text
from malgwi.config import Config
from malgwi.errors import BadOption, MalgwiError
from malgwi.ops import doctor
from malgwi.pipeline import Engines
from malgwi.scheduling import Build
from malgwi.types import Transcript
from malgwi.vad import VoiceDetector

MODELS = {
    "faster-whisper": "whisper-base",
    "transformers": "whisper-base",
    "moonshine": "moonshine-tiny-en",
    "scripted": None,
}
"""What each engine works with where nothing else is said; None where it needs no model."""
USUAL_NAMES = (
    *("whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-transcribe"),
    *("nova-3", "nova-2", "general"),
)
"""What the clients of OpenAI and of Deepgram ask for: the default model."""
REMOTE = ("openai-http", "whisper-cpp")
"""Clients, which are nothing without the address of a server."""
LIBRARIES: Mapping[str, devices.Library] = {
    "faster-whisper": "ctranslate2",
    "transformers": "torch",
}
"""What the engines compute with that can do so on a GPU."""


@dataclass(frozen=True, slots=True)
class EngineState:
    """An engine that is plugged in, and whether it could be used now."""

    seam: str
    name: str
    ready: bool
    detail: str
    """What it can do, or what it lacks and how to mend that."""


def engines(
    config: Config,
    *,
    engine: str | None = None,
    model: str | None = None,
    glossary: Path | None = None,
) -> Engines:
    """The engines that the settings name, or those named here instead.

    Raises EngineUnknown, EngineMissing, ModelMissing, ModelBroken, BadGlossary,
    and BadOption for options that the engine does not take.
    """
    made = rules(text.read_glossary(glossary) if glossary else None)
    return Engines(new_vad(config), _stt(config, engine, model), made)


def transcriber(
    engines: Engines, stop: Event | None = None
) -> Callable[[Sequence[Path], str | None], Transcript]:
    """The files of a recording and its language, None to detect it, to what was said in it."""

    def transcribe(files: Sequence[Path], language: str | None) -> Transcript:
        request = pipeline.Request([language])
        return pipeline.transcribe(audio.open_recording(files), engines, request, stop=stop)

    return transcribe


def engine_states(config: Config) -> list[EngineState]:
    """Every engine at every seam, tried out."""
    here = [
        _state(seam, name, config)
        for seam in ("stt", "vad")
        for name in plugins.names(seam)
        if name not in REMOTE
    ]
    return [*_endpoint_state(config), *here]


def default_model(config: Config, engine: str | None = None) -> str | None:
    """The model that the settings name for an engine, or it has by itself; None for no model."""
    name = engine or config.stt.engine
    if name == config.stt.engine and "model" in config.stt.model_fields_set:
        return config.stt.model
    return MODELS.get(name)


def aliases(config: Config, default: str) -> Mapping[str, str]:
    """Other names of models, as in requests and jobs."""
    return {**dict.fromkeys(USUAL_NAMES, default), **config.engine.aliases}


def worker_build(config: Config, model: str | None) -> Build:
    """How the engine of a model is made, in a process of its own; self-tested there."""
    return partial(_in_worker, config, model)


def model_bytes(config: Config, model: str | None) -> int:
    """How much memory a model is guessed to need, on a CPU, from the size of its files; None for
    an engine without one."""
    weights = _weights(ops.find(model, config.models)) if model else 0
    return weights * 3 // 2 + 300_000_000


def examine(
    config: Config,
    checks: Sequence[doctor.Check] = doctor.CHECKS,
    compose: Sequence[Path] = (),
    *,
    canary: bool = False,
) -> doctor.Examination:
    """What is wrong here; within five seconds, and raises nothing. `compose` are compose files to
    look at; with `canary` the engine is loaded, too, and has to hear one, which takes longer."""
    model, library = default_model(config), LIBRARIES.get(config.stt.engine)
    subject = doctor.Subject(
        config,
        model=model,
        memory=_known_bytes(config, model),
        ladder=partial(_ladder, config, model, library),
        library=library,
        compose=compose,
        canary=partial(_hear_canary, config) if canary else None,
    )
    return doctor.examine(subject, checks)


def _hear_canary(config: Config) -> float | None:
    return stt.check_canary(_stt(config, None, None))


def _known_bytes(config: Config, model: str | None) -> int | None:
    try:
        return model_bytes(config, model)
    except MalgwiError:
        return None


def _ladder(
    config: Config,
    model: str | None,
    library: devices.Library | None,
    inventory: devices.Inventory,
) -> devices.Ladder | None:
    """None where the library is not here, or cannot use a GPU."""
    if library is None:
        return None
    try:
        weights = _weights(ops.find(model, config.models)) if model else 0
    except MalgwiError:
        weights = 0
    try:
        return devices.rungs(config.stt.device, inventory, version(library), weights, library)
    except PackageNotFoundError:
        return None


def _in_worker(
    config: Config, model: str | None, died: Mapping[str, str], on_try: Callable[[str], None]
) -> Any:
    return _stt(config, None, model, check=stt.check_canary, died=died, on_try=on_try)


def _stt(
    config: Config,
    engine: str | None,
    model: str | None,
    **climbing: Any,
) -> Any:
    """The engine that the settings name, or the one that is named here."""
    if config.stt.endpoint and engine is None:
        return _remote(config, config.stt.endpoint, model)
    name = engine or config.stt.engine
    options: Mapping[str, Any] = config.stt.options if name == config.stt.engine else {}
    model = model or default_model(config, name)
    adapter = plugins.load("stt", name)
    folders = [ops.find(model, config.models)] if model else []
    if name not in LIBRARIES or "device" in options:
        return _built(name, adapter, folders, options)
    build = partial(_built, name, adapter, folders)
    return _climbed(config, name, folders[0], build, options, **climbing)


def _remote(config: Config, endpoint: str, model: str | None = None) -> Any:
    """A client for whatever answers at the address. Raises BadOption for a model by name where
    the server has but one."""
    name = stt.probe(endpoint, config.stt.options.get("ca_file"))
    adapter = plugins.load("stt", name)
    configured = config.stt.model if "model" in config.stt.model_fields_set else None
    asked = {"model": model or configured} if model or configured else {}
    if "model" not in inspect.signature(adapter).parameters:
        if model:
            raise BadOption(f"The server at the endpoint has one model, and {model} is not known.")
        asked = {}
    return _built(name, adapter, (), {"endpoint": endpoint, **asked, **config.stt.options})


def _climbed(  # noqa: PLR0913 (what to build, where, and who is told)
    config: Config,
    name: str,
    folder: Path,
    build: Callable[[Mapping[str, Any]], Any],
    options: Mapping[str, Any],
    *,
    check: Callable[[Any], object] | None = None,
    died: Mapping[str, str] | None = None,
    on_try: Callable[[str], None] = lambda _: None,
) -> Any:
    """The engine on the best device on which it passes its self-test, and if that is not the one
    that was asked for, with the reason.

    Without `check` the CPU is trusted where it is the only choice, as for a single recording.
    """
    for variable, value in devices.PCI_ORDER.items():  # before CUDA is asked for the first time
        os.environ.setdefault(variable, value)
    library = LIBRARIES[name]
    ladder = devices.rungs(
        config.stt.device, devices.inventory(), version(library), _weights(folder), library
    )
    alone = len(ladder.rungs) == 1 and ladder.rungs[0].device == "cpu"
    check = check or ((lambda _: None) if alone else stt.check_canary)

    def on_rung(rung: devices.Rung) -> Any:
        where: dict[str, Any] = {"device": rung.place, "compute_type": rung.compute_type}
        if library == "ctranslate2":
            where |= {"device": rung.device, "device_index": rung.device_index}
        return build({**where, **options})

    landed = devices.climb(
        ladder,
        on_rung,
        check,
        on_try=lambda rung: on_try(str(rung)),
        died={rung: died[str(rung)] for rung in ladder.rungs if died and str(rung) in died},
    )
    engine = landed.engine
    if landed.fallback_reason:
        engine.engine = replace(engine.engine, fallback_reason=landed.fallback_reason)
    return engine


def _weights(folder: Path) -> int:
    """Bytes of the largest file of a model."""
    return max((each.stat().st_size for each in folder.iterdir() if each.is_file()), default=0)


def new_vad(config: Config) -> Callable[[], VoiceDetector]:
    """What makes the detector of the settings, one a recording."""
    detector = plugins.load("vad", config.vad.engine)
    return lambda: _built(config.vad.engine, detector, (), config.vad.options)


def _built(name: str, adapter: Any, folders: Sequence[Path], options: Mapping[str, Any]) -> Any:
    try:
        return adapter(*folders, **options)
    except TypeError as error:
        why = str(error).split(". ")[0]
        raise BadOption(f"{name} does not take these options: {why}.") from error


def rules(glossary: text.Glossary | None) -> Callable[[Sequence[str]], Sequence[text.Rule]]:
    """Text rules in their order, for the labels of channels; suppression last, so that it sees
    what the glossary mended."""

    def of_labels(labels: Sequence[str]) -> Sequence[text.Rule]:
        return [text.nfc, *([glossary.rule(labels)] if glossary else []), text.suppression()]

    return of_labels


def _state(seam: str, name: str, config: Config) -> EngineState:
    try:
        if seam == "vad":
            plugins.load(seam, name)()
            return EngineState(seam, name, True, "hears all channels of a recording at once")
        return _told(_stt(config, name, None), name)
    except MalgwiError as error:
        return EngineState(seam, name, False, str(error))


def _endpoint_state(config: Config) -> list[EngineState]:
    """The engine elsewhere, where there is one in the settings."""
    if not config.stt.endpoint:
        return []
    try:
        built = _remote(config, config.stt.endpoint)
        return [_told(built, built.engine.name)]
    except MalgwiError as error:
        return [EngineState("stt", "remote", False, str(error))]


def _told(built: Any, name: str) -> EngineState:
    can, runs = built.capabilities, built.engine
    words = "word times" if can.word_times else "no word times"
    languages = (
        f"{len(can.languages)} languages"
        if len(can.languages) > 3
        else ", ".join(sorted(can.languages))
    )
    return EngineState("stt", name, True, f"{runs.model} on {runs.device}: {languages}, {words}")
