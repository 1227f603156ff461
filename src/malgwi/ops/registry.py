"""What models there are: a table of names, files, sums and licences, kept in models.toml.

Nothing here reaches out or looks at what is installed. Whatever source a file comes from,
its size and SHA-256 in this table decide whether it is taken.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from malgwi.errors import BadOption

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model."""

    name: str
    size: int
    """Bytes."""
    sha256: str
    members: tuple[str, ...] = ()
    """Where packages carry it: paths in their wheels, to be joined in this order."""
    made: bool = False
    """Made here from the other files, by ops/sample.py, not fetched."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package of a package index that carries files of a model. It is never imported."""

    name: str
    version: str
    size: int
    """Bytes of its wheel."""
    sha256: str
    """Of its wheel; tells whether one that was fetched earlier is whole."""
    platform: str | None = None
    """The tag of the wheel to take; None where the wheel is for any platform."""


@dataclass(frozen=True, slots=True)
class Model:
    """What is known of a model before it is here."""

    name: str
    kind: str
    """`whisper-ct2`, `moonshine` or `sample`; `unknown` where nobody said."""
    files: tuple[ModelFile, ...]
    licence: str
    """SPDX name, or `unknown`."""
    commercial_use: bool | None
    """False: it is fetched only after an operator has accepted its licence. None: not known."""
    languages: str
    repository: str | None = None
    """On the hub; None where the hub does not have these files."""
    revision: str | None = None
    """The commit of the repository that `files` describes."""
    packages: tuple[Package, ...] = ()
    memory_mb: int | None = None
    """MiB, as measured; None where it was not."""
    memory_note: str = ""
    """How it was measured, or why it was not."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def fetched(self) -> tuple[ModelFile, ...]:
        """The files that a source has to bring."""
        return tuple(file for file in self.files if not file.made)


class Registry(Mapping[str, Model]):
    """The models by name. Asking for one that is not there says what there is."""

    def __init__(self, models: Mapping[str, Model]) -> None:
        self._models = dict(models)

    def __getitem__(self, name: str) -> Model:
        return self._models[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def known(self, name: str) -> Model:
        """The model of that name. Raises BadOption."""
        if name in self._models:
            return self._models[name]
        raise BadOption(f"No model is called {name!r}. There are: {', '.join(self._models)}.")


def read_registry(path: Path | None = None) -> Registry:
    """The registry in `path`; the one that ships where none is given."""
    table = tomllib.loads((path or Path(__file__).with_name("models.toml")).read_text("utf-8"))
    return Registry({name: _model(name, entry) for name, entry in table.items()})


def checked_name(name: str) -> str:
    """`name`, if it can be the name of a model and of its folder. Raises BadOption."""
    if _NAME.fullmatch(name):
        return name
    raise BadOption(
        f"{name!r} cannot be the name of a model: small letters, digits and . _ - only, "
        "a letter or digit first."
    )


def _model(name: str, entry: Mapping[str, Any]) -> Model:
    files = tuple(
        ModelFile(**{**file, "members": tuple(file.get("members", ()))}) for file in entry["files"]
    )
    packages = tuple(Package(**package) for package in entry.get("packages", ()))
    rest = {key: value for key, value in entry.items() if key not in {"files", "packages"}}
    return Model(name=checked_name(name), files=files, packages=packages, **rest)
