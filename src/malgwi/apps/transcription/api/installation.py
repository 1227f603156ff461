"""What the whole program knows of itself, as it is handed to the API."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from malgwi.types import Engine


@dataclass(frozen=True, slots=True)
class EngineState:
    """An engine of this process."""

    model: str
    state: str
    """`ready`, `loading`, `unloaded` or `failed`."""
    reason: str | None
    """Why it failed."""
    engine: Engine | None
    """None until it was loaded once."""
    memory: int | None
    """Bytes."""


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model that is here."""

    name: str
    licence: str
    commercial_use: bool | None
    bytes: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Installation:
    """The state of it, which takes some milliseconds to find out."""

    version: str
    started: datetime
    engines: tuple[EngineState, ...]
    engines_elsewhere: str | None
    """Why nothing is known of those elsewhere; None where there are none."""
    models: tuple[InstalledModel, ...]
    folder: Path
    free: int
    total: int
    media: int
    database: int | None
    """Bytes, all four."""
    last_backup: datetime | None
