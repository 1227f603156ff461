"""Finding what is plugged in at a seam: `load("stt", "faster-whisper")`.

Our own adapters stand in pyproject.toml under the same entry point groups (`malgwi.stt`,
`malgwi.vad`) as anybody else's would, so that a third party's engine is no second-class guest.
"""

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from malgwi.errors import EngineFailed, EngineMissing, EngineUnknown


def names(seam: str) -> list[str]:
    """The names that can be given to `load`, found without importing any of them."""
    return sorted(point.name for point in entry_points(group=f"malgwi.{seam}"))


def load(seam: str, name: str) -> Any:
    """What is registered as `name` at `seam`. Raises EngineUnknown, EngineMissing, and
    EngineFailed where its library is here and cannot be loaded."""
    for point in entry_points(group=f"malgwi.{seam}"):
        if point.name == name:
            return _resolve(point)
    raise EngineUnknown(seam, name, names(seam))


def _resolve(point: EntryPoint) -> Any:
    try:
        return point.load()
    except ModuleNotFoundError as error:
        raise EngineMissing(point.name, error.name) from error
    except (ImportError, OSError) as error:  # of another version, or for another machine
        raise EngineFailed(
            f"{point.name} is installed and cannot be loaded: {str(error).rstrip('.')}. "
            f"Run: pip install --force-reinstall 'malgwi[{point.name}]'"
        ) from error
