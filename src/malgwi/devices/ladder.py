"""From the device that was asked for down to one that works: plan the rungs, climb down them.

Planning only looks at values. Whether a rung holds is for the self-test to say: a wheel may
load a model and fail at the first piece, or answer with garbage. Nothing is stepped down in
silence; what is used and why goes with the engine. No engine is known here, they are handed in.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Generic, Literal, TypeVar

from malgwi.devices.compatibility import Library, Wheel, choice, wheel
from malgwi.devices.diagnosis import Diagnosis, diagnose, known, words_of
from malgwi.devices.inventory import Card, Inventory
from malgwi.devices.versions import numbers
from malgwi.errors import (
    BadOption,
    DeviceRefused,
    EngineError,
    EngineFailed,
    EngineMissing,
    EngineUnknown,
    ModelBroken,
    ModelMissing,
)

Asked = Literal["auto", "cpu", "cuda"]
T = TypeVar("T")

_ON_THE_CPU = {"ctranslate2": "int8", "torch": "float32"}
_WIDTH = {"int8_float16": 0.5, "int8_float32": 0.5, "float32": 2.0}
"""Bytes of a weight against the two that it has in the file; float16 and bfloat16 have two."""
_CONTEXT = 500_000_000  # bytes that CUDA and cuBLAS take with any model
_ACTIVATIONS = 0.3  # of the model's file; with _CONTEXT it fits what large-v2 took in both types
_MARGIN = 1.1
_ENOUGH = 300  # characters of a text that nobody has diagnosed

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rung:
    """Something to try."""

    device: Literal["cuda", "cpu"]
    device_index: int
    compute_type: str
    why: str

    @property
    def place(self) -> str:
        """`cpu`, or `cuda:1` as torch calls it."""
        return self.device if self.device == "cpu" else f"{self.device}:{self.device_index}"

    def __str__(self) -> str:
        """Its name: no two rungs of a ladder have the same."""
        return f"{self.place} {self.compute_type}"


@dataclass(frozen=True, slots=True)
class Ladder:
    """What to try, best first."""

    asked: Asked
    rungs: tuple[Rung, ...]
    left_out: tuple[Diagnosis, ...]
    """Why a card has no rung, or why there is no card where there might be one."""
    inventory: Inventory


@dataclass(frozen=True, slots=True)
class Landed(Generic[T]):
    """An engine that passed its self-test."""

    engine: T
    rung: Rung
    fallback_reason: str | None
    """A sentence for people; None where nothing failed on the way."""
    diagnosis: str | None
    """The id of the first thing that was wrong, for the metrics; or `unknown`, or None."""


def rungs(
    asked: Asked,
    inventory: Inventory,
    version: str,
    model_bytes: int,
    library: Library = "ctranslate2",
) -> Ladder:
    """What to try with that version of the library and a model whose weights fill a file of
    `model_bytes` with two bytes each."""
    tried: list[Rung] = []
    left_out: list[Diagnosis] = []
    if asked != "cpu":
        if not inventory.cards and (asked == "cuda" or inventory.has_gpu):
            left_out.append(_no_card(inventory))
        for card in inventory.cards:
            found = _of_card(card, inventory.driver, library, version, model_bytes)
            if isinstance(found, Diagnosis):
                left_out.append(found)
            else:
                tried += found
    if asked != "cuda":
        tried.append(Rung("cpu", 0, _ON_THE_CPU[library], "the processor"))
    return Ladder(asked, tuple(tried), tuple(left_out), inventory)


def climb(
    ladder: Ladder,
    build: Callable[[Rung], T],
    check: Callable[[T], object],
    *,
    on_try: Callable[[Rung], object] = lambda rung: None,
    died: Mapping[Rung, str] = MappingProxyType({}),
) -> Landed[T]:
    """The first rung on which `build` gives an engine that `check` does not complain about.

    A library can take its process down with it. Whoever watches over the process is told each
    rung by `on_try` before it is tried, and names in `died` those that a process before this one
    died on, with what is known of it: they are skipped.

    Raises DeviceRefused where no GPU is to be had that was asked for by name, and what the
    engine raised where not even the CPU works. A missing library or model and a broken one are
    no fault of a device and raised at once.
    """
    falls = list(ladder.left_out)
    error: EngineError | BadOption | None = None
    for rung in ladder.rungs:
        text, error = died.get(rung), None
        if text is None:
            on_try(rung)
            tried = _try(rung, build, check)
            if not isinstance(tried, _Failed):
                return Landed(tried, rung, *_fallback(ladder, rung, falls))
            error, text = tried.error, words_of(tried.error)
        falls.append(_fallen(rung, text, ladder))
    if ladder.asked == "cuda":
        raise _refused(falls) from error
    raise error or EngineFailed(f"The engine died wherever it was tried. {falls[-1].cause}")


@dataclass(frozen=True, slots=True)
class _Failed:
    error: EngineError | BadOption


def _try(rung: Rung, build: Callable[[Rung], T], check: Callable[[T], object]) -> T | _Failed:
    """In a frame of its own, and without the traceback, so that a failed engine is let go of
    before the next one wants its memory."""
    try:
        engine = build(rung)
        check(engine)
    except (EngineMissing, EngineUnknown, ModelMissing, ModelBroken):
        raise
    except (EngineError, BadOption) as error:
        return _Failed(_without_frames(error))
    return engine


def _without_frames(error: EngineError | BadOption) -> EngineError | BadOption:
    each: BaseException | None = error
    while each is not None:
        each.__traceback__ = None
        each = each.__cause__ or each.__context__
    return error


def _of_card(
    card: Card, driver: str | None, library: Library, version: str, model_bytes: int
) -> list[Rung] | Diagnosis:
    """The rungs of a card, or why it has none."""
    inside = wheel(library, version)
    amiss = _unfit(card, driver, inside, f"{library} {version}") if inside else None
    if amiss:
        return amiss
    chosen = choice(library, version, card)
    found = [
        Rung("cuda", card.index, compute_type, f"{card.name}: {chosen.why}")
        for compute_type in chosen.compute_types
        if card.memory_free is None or card.memory_free >= _needed(model_bytes, compute_type)
    ]
    if found:
        return found
    least = min(_needed(model_bytes, each) for each in chosen.compute_types)
    return replace(
        known("not-enough-gpu-memory"),
        cause=f"{card.name} has {_mb(card.memory_free or 0)} free, the model needs {_mb(least)}.",
    )


def _unfit(card: Card, driver: str | None, inside: Wheel, name: str) -> Diagnosis | None:
    """Why the wheel does not run on the card with that driver."""
    least = inside.driver_for(card.capability)
    capability = _dotted(card.capability)
    if least is None:
        return replace(
            known("wheel-without-card"),
            cause=f"The wheel of {name} has no code for {card.name} (compute capability "
            f"{capability}).",
        )
    if driver is None or numbers(driver) >= least:
        return None
    native = least == inside.driver
    return replace(
        known("driver-too-old" if native else "ptx-driver"),
        cause=f"{card.name} needs driver {_dotted(least)} or newer for {name}, and has {driver}.",
    )


def _no_card(inventory: Inventory) -> Diagnosis:
    return diagnose("\n".join(inventory.evidence), inventory) or known("card-not-answering")


def _needed(model_bytes: int, compute_type: str) -> int:
    """Bytes of the card's memory that have to be free, with a margin."""
    weights = model_bytes * _WIDTH.get(compute_type, 1.0)
    return round((weights + model_bytes * _ACTIVATIONS + _CONTEXT) * _MARGIN)


def _fallen(rung: Rung, text: str, ladder: Ladder) -> Diagnosis:
    found = diagnose(text, ladder.inventory)
    if found is None:
        found = Diagnosis(
            "unknown",
            f"An attempt failed: {' '.join(text.split())[:_ENOUGH].rstrip('.')}.",
            "Set STT_DEVICE=cpu meanwhile.",
        )
    log.warning("the engine failed on a device", extra={"rung": str(rung), "diagnosis": found.id})
    return found


def _fallback(
    ladder: Ladder, rung: Rung, falls: Sequence[Diagnosis]
) -> tuple[str, str] | tuple[None, None]:
    """The sentence and the id. A card that was left out is no fall back while a card is used."""
    if not falls or (rung.device == "cuda" and rung == ladder.rungs[0]):
        return None, None
    if rung.device == "cuda":
        falls = falls[len(ladder.left_out) :]
    causes = dict.fromkeys(f"{each.cause.rstrip('.')} ({each.id})" for each in falls)
    reason = f"{ladder.asked} was asked for, {rung} is used: {'; '.join(causes)}."
    return reason, falls[0].id


def _refused(falls: Sequence[Diagnosis]) -> DeviceRefused:
    why = dict.fromkeys(f"{each.cause} ({each.id}) {each.remedy}" for each in falls)
    return DeviceRefused(" ".join(["STT_DEVICE is cuda, and no GPU can be used.", *why]))


def _dotted(version: Sequence[int]) -> str:
    return ".".join(map(str, version))


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
