"""Where the files of a model can come from.

A source puts files into a folder and vouches for nothing: `fetch` compares size and SHA-256.
It may find files of an earlier, broken-off try in that folder and may go on from there.
"""

import shutil
from pathlib import Path
from typing import Protocol

from malgwi.errors import NetworkError
from malgwi.ops.registry import Model


class Source(Protocol):
    """A place that may have a model."""

    name: str
    """For people: `the hub`."""

    def offers(self, model: Model) -> bool:
        """Whether it is worth asking."""

    def overhead(self, model: Model) -> int:
        """Bytes that it needs on disk while it works, besides the model's own files."""

    def fetch(self, model: Model, into: Path) -> None:
        """Bring `model.fetched` into the folder `into`. Raises NetworkError, OSError."""


class Folder:
    """A folder on this machine or a share, with a folder a model in it: MALGWI_MODEL_SOURCE."""

    def __init__(self, path: Path) -> None:
        self.name = f"the folder {path}"
        self._path = path

    def offers(self, model: Model) -> bool:
        return True  # whoever names a folder wants to know what it lacks

    def overhead(self, model: Model) -> int:
        return 0

    def fetch(self, model: Model, into: Path) -> None:
        for file in model.fetched:
            here = self._path / model.name / file.name
            if not here.is_file():
                raise NetworkError(f"there is no {here}")
            shutil.copyfile(here, into / file.name)
