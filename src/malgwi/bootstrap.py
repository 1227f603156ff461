"""Everything is put together here, and only here: settings in, engines that work out.

To find out what is plugged in where, read this page; it imports the rooms, and no room
imports it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from malgwi import audio, ops, pipeline, plugins, text
from malgwi.config import Config
from malgwi.errors import BadOption, MalgwiError
from malgwi.pipeline import Engines
from malgwi.types import Transcript
from malgwi.vad import VoiceDetector

MODELS = {"faster-whisper": "whisper-base", "moonshine": "moonshine-tiny-en", "scripted": None}
"""What each engine works with where nothing else is said; None where it needs no model."""


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
    rules = _rules(glossary)
    return Engines(_vad(config), _stt(config, engine, model), rules)


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
    return [_state(seam, name, config) for seam in ("stt", "vad") for name in plugins.names(seam)]


def _stt(config: Config, engine: str | None, model: str | None) -> Any:
    name = engine or config.stt.engine
    options: Mapping[str, Any] = {}
    if name == config.stt.engine:
        options = config.stt.options
        model = model or (config.stt.model if "model" in config.stt.model_fields_set else None)
    model = model or MODELS.get(name)
    adapter = plugins.load("stt", name)
    folders = [ops.find(model, config.models)] if model else []
    return _built(name, adapter, folders, options)


def _vad(config: Config) -> Callable[[], VoiceDetector]:
    detector = plugins.load("vad", config.vad.engine)
    return lambda: _built(config.vad.engine, detector, (), config.vad.options)


def _built(name: str, adapter: Any, folders: Sequence[Path], options: Mapping[str, Any]) -> Any:
    try:
        return adapter(*folders, **options)
    except TypeError as error:
        why = str(error).split(". ")[0]
        raise BadOption(f"{name} does not take these options: {why}.") from error


def _rules(glossary: Path | None) -> Callable[[Sequence[str]], Sequence[text.Rule]]:
    """Text rules in their order; suppression last, so that it sees what the glossary mended."""
    terms = text.read_glossary(glossary) if glossary else None

    def rules(labels: Sequence[str]) -> Sequence[text.Rule]:
        return [text.nfc, *([terms.rule(labels)] if terms else []), text.suppression()]

    return rules


def _state(seam: str, name: str, config: Config) -> EngineState:
    try:
        if seam == "vad":
            plugins.load(seam, name)()
            return EngineState(seam, name, True, "hears all channels of a recording at once")
        built = _stt(config, name, None)
    except MalgwiError as error:
        return EngineState(seam, name, False, str(error))
    can, runs = built.capabilities, built.engine
    words = "word times" if can.word_times else "no word times"
    languages = (
        f"{len(can.languages)} languages"
        if len(can.languages) > 3
        else ", ".join(sorted(can.languages))
    )
    return EngineState(seam, name, True, f"{runs.model} on {runs.device}: {languages}, {words}")
