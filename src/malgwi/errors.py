"""Every error that the platform raises on purpose.

    MalgwiError
    ├── BadInput                what the user gave cannot be used as it is
    │   ├── BadAudio
    │   ├── BadGlossary
    │   ├── BadManifest
    │   ├── BadOption
    │   └── TooLarge
    ├── OutputError             the result cannot be written where it was asked for
    │   └── OutputExists
    ├── EngineError
    │   ├── EngineUnknown
    │   ├── EngineMissing
    │   ├── ModelMissing
    │   ├── ModelBroken
    │   ├── DeviceRefused       STT_DEVICE=cuda
    │   └── EngineFailed
    │       ├── OutOfMemory
    │       └── EngineGone      another attempt may be answered
    ├── Overloaded              come back in so many seconds
    ├── Cancelled               whoever asked does not want it any more
    ├── NotFound                nothing of that id is kept
    ├── Conflict                what is kept stands against it
    │   └── Stale               somebody else changed it before; has the revision that is current
    ├── StoreError              what is kept cannot be read or written
    │   ├── StoreFull           there is no room left
    │   └── StoreGone           the database does not answer; another attempt may succeed
    └── NetworkError
        └── NetworkRefused      MALGWI_OFFLINE=1

Adapters translate their library's exceptions into these, so that no room has to know which
engine is plugged in. A message is a sentence or two: what was wrong, with what, what to do.
No message and no log line holds anything that somebody said.
"""

from collections.abc import Sequence


class MalgwiError(Exception):
    """Base class; catch it to catch all of them."""


class BadInput(MalgwiError):
    """What the user gave cannot be used as it is."""


class BadAudio(BadInput):
    """The input could not be decoded as audio."""


class BadGlossary(BadInput):
    """A glossary file cannot be read; the message has file, line and rule."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        """Where what is wrong stands in the file, from 1; None where it is all of it."""


class BadManifest(BadInput):
    """An evaluation manifest cannot be read."""


class BadOption(BadInput):
    """An option has a value that makes no sense, or not with the others."""


class TooLarge(BadInput):
    """More bytes, seconds or channels than this machine takes at a time."""


class OutputError(MalgwiError):
    """The result cannot be written: no room, no right, no such folder."""


class OutputExists(OutputError):
    """There is a file already, and it was not said that it may be replaced."""


class EngineError(MalgwiError):
    """An engine could not be found, loaded or run."""


class EngineUnknown(EngineError):
    """No adapter of that name is plugged in."""

    def __init__(self, seam: str, name: str, installed: Sequence[str]) -> None:
        known = ", ".join(sorted(installed)) or "none"
        super().__init__(f"No {seam} engine is called {name!r}. Installed: {known}.")


class EngineMissing(EngineError):
    """The adapter is here, the library that it adapts is not."""

    def __init__(self, name: str, module: str | None = None) -> None:
        lacking = f" (no module {module})" if module else ""
        super().__init__(f"{name} is not installed{lacking}. Run: pip install 'malgwi[{name}]'")


class ModelMissing(EngineError):
    """The library is here, the model's files are not."""

    def __init__(self, model: str, folder: object) -> None:
        super().__init__(f"Model {model} is not in {folder}. Run: malgwi models pull {model}")

    @classmethod
    def among(cls, model: str, others: Sequence[str]) -> "ModelMissing":
        """For who asks a service, and can have one of the others."""
        error = cls.__new__(cls)
        Exception.__init__(
            error, f"No model is called {model!r} here. There are: {', '.join(others) or 'none'}."
        )
        return error


class ModelBroken(EngineError):
    """The model's files are here and not what they should be: truncated, or another's."""


class EngineFailed(EngineError):
    """The engine broke while it ran; `__cause__` has the library's own words."""


class OutOfMemory(EngineFailed):
    """There was no room for so many pieces at once; fewer may fit."""


class EngineGone(EngineFailed):
    """The process or the server that has the engine died, or does not answer. Nothing is known
    against what it was given, so that another attempt may succeed."""


class DeviceRefused(EngineError):
    """A device was asked for by name, and it cannot be had; the message has the diagnosis."""


class Overloaded(MalgwiError):
    """There is more waiting than can be done in good time."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds after which it is worth asking again."""


class Cancelled(MalgwiError):
    """Whoever asked has gone, or has called it off."""


class NotFound(MalgwiError):
    """Nothing of that id is kept, or nothing any more."""


class Conflict(MalgwiError):
    """What is kept stands against it."""


class Stale(Conflict):
    """It was made against a revision that is not the current one any more."""

    def __init__(self, message: str, current: int) -> None:
        super().__init__(message)
        self.current = current
        """The number of the revision that is current now."""


class StoreError(MalgwiError):
    """What is kept cannot be read or written, or is not what this program takes."""


class StoreFull(StoreError):
    """There is no room left where it is kept. Nothing of what was to be written is there."""


class StoreGone(StoreError):
    """The database does not answer, or is busy for too long; another attempt may succeed."""


class NetworkError(MalgwiError):
    """None of the sources of a model or a sample could be reached."""


class NetworkRefused(NetworkError):
    """MALGWI_OFFLINE=1 is set, and something wanted to reach out."""

    def __init__(self, feature: str, remedy: str) -> None:
        super().__init__(f"MALGWI_OFFLINE is set, and {feature} needs the network. {remedy}")
