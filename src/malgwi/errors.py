"""Every error that the platform raises on purpose.

    MalgwiError
    ├── BadInput                what the user gave cannot be used as it is
    │   ├── BadAudio
    │   ├── BadGlossary
    │   ├── BadManifest
    │   └── BadOption
    ├── OutputError             the result cannot be written where it was asked for
    │   └── OutputExists
    ├── EngineError
    │   ├── EngineUnknown
    │   ├── EngineMissing
    │   ├── ModelMissing
    │   ├── ModelBroken
    │   └── EngineFailed
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


class BadManifest(BadInput):
    """An evaluation manifest cannot be read."""


class BadOption(BadInput):
    """An option has a value that makes no sense, or not with the others."""


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


class ModelBroken(EngineError):
    """The model's files are here and not what they should be: truncated, or another's."""


class EngineFailed(EngineError):
    """The engine broke while it ran; `__cause__` has the library's own words."""


class NetworkError(MalgwiError):
    """None of the sources of a model or a sample could be reached."""


class NetworkRefused(NetworkError):
    """MALGWI_OFFLINE=1 is set, and something wanted to reach out."""

    def __init__(self, feature: str, remedy: str) -> None:
        super().__init__(f"MALGWI_OFFLINE is set, and {feature} needs the network. {remedy}")
