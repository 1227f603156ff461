"""What is examined: the settings, the machine, and what several checks want to know of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from malgwi.config import Config
from malgwi.devices import Inventory, Ladder, Library
from malgwi.ops.doctor.machine import Machine

T = TypeVar("T")


@dataclass(slots=True)
class _Cell:
    """Something that is looked up by the first who asks, while the others wait."""

    lock: Any = field(default_factory=Lock)
    filled: bool = False
    value: Any = None
    error: Exception | None = None


@dataclass(frozen=True)
class Subject:
    """Asked by all checks at once, each in a thread of its own."""

    config: Config
    machine: Machine = field(default_factory=Machine)
    model: str | None = None
    """The default model; None for an engine without one."""
    memory: int | None = None
    """Bytes that the engine is guessed to need; None where nobody knows."""
    ladder: Callable[[Inventory], Ladder | None] = lambda _: None
    """What the engine would try to compute on."""
    library: Library | None = None
    """With which the engine computes: `ctranslate2`; None where it cannot use a GPU."""
    compose: Sequence[Path] = ()
    """Compose files; what is found in the folder where none is named."""
    canary: Callable[[], float | None] | None = None
    """Has the engine hear the canary in this process; None where that was not asked for."""
    _cells: dict[Callable[..., Any], _Cell] = field(default_factory=dict)
    _lock: Any = field(default_factory=Lock)

    @property
    def library_version(self) -> str | None:
        """None where there is no library, or it is not installed."""
        return self.machine.installed(self.library) if self.library else None

    def once(self, look: Callable[["Subject"], T]) -> T:
        """What `look` finds; looked up once for all checks. Raises what it raised."""
        with self._lock:
            cell = self._cells.setdefault(look, _Cell())
        with cell.lock:
            if not cell.filled:
                try:
                    cell.value = look(self)
                except Exception as error:  # noqa: BLE001 - for each who asks
                    cell.error = error
                cell.filled = True
        if cell.error is not None:
            raise cell.error
        value: T = cell.value
        return value


def inventory(subject: Subject) -> Inventory:
    return subject.machine.inventory()
