"""The models that are here: finding, listing, verifying, and taking in what was carried over.

Nothing here reaches out. A model is a folder of its name in the folder of models.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from malgwi.errors import BadInput, ModelBroken, ModelMissing, OutputExists
from malgwi.ops.digest import sha256_of, size_fault
from malgwi.ops.fetch import faults
from malgwi.ops.install import check_room, workplace
from malgwi.ops.manifest import MANIFEST, read_manifest
from malgwi.ops.registry import Model, ModelFile, Registry, checked_name, read_registry

_UNKNOWN = f"It has no {MANIFEST}, so nobody knows what it should be."
_WHISPER_FILES = ("config.json", "model.bin", "tokenizer.json")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, and what would mend it."""

    what: str
    ok: bool
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A model that there is, and whether it is here."""

    model: Model
    folder: Path | None
    """None where it is not here."""
    fault: str | None = None
    """What is wrong with it, by a look at names and sizes; None where nothing is."""


def find(name: str, models: Path, registry: Registry | None = None) -> Path:
    """The folder of the model `name`, looked over: its files are there, of the right size.

    Raises BadOption where no model can be called that, ModelMissing, ModelBroken.
    """
    folder = models / checked_name(name)
    registry = registry or read_registry()
    if not folder.is_dir():
        raise ModelMissing(registry.known(name).name, models)
    if said := _look(_described(name, folder, registry), folder):
        raise ModelBroken(f"Model {name} in {folder} is broken: {said} {_mend(name, registry)}")
    return folder


def listing(models: Path, registry: Registry | None = None) -> list[Listed]:
    """Every model of the registry, then those that somebody brought along."""
    registry = registry or read_registry()
    own = [name for name in _installed(models) if name not in registry]
    return [_listed(name, models, registry) for name in (*registry, *own)]


def verify(names: Iterable[str], models: Path, registry: Registry | None = None) -> list[Finding]:
    """Compare every byte of the models `names`; of all that are here, where none is named."""
    registry = registry or read_registry()
    chosen = [checked_name(name) for name in names] or _installed(models)
    return [finding for name in chosen for finding in _verify(name, models, registry)]


def add(
    folder: Path, models: Path, name: str | None = None, registry: Registry | None = None
) -> Path:
    """Take in the model in `folder`, copied; returns its folder among `models`.

    One that the registry knows must have its sums. Any other must look like a Whisper model of
    CTranslate2; its licence is unknown. Raises BadInput, ModelBroken, OutputExists, OutputError.
    """
    registry = registry or read_registry()
    if not folder.is_dir():
        raise BadInput(f"{folder} is not a folder. Give the folder with the model's files.")
    model = _carried(folder, name, registry)
    if (models / model.name).exists():
        raise OutputExists(f"There is a model {model.name} in {models}. Remove it first.")
    with workplace(models, model.name) as place:
        check_room(place.ready, model.size, model.name)
        for file in model.files:
            shutil.copyfile(folder / file.name, place.ready / file.name)
        if said := faults(model, place.ready):
            raise ModelBroken(f"{folder} is not {model.name}: {' '.join(said)}")
        place.publish(model, f"the folder {folder}")
    return models / model.name


def _carried(folder: Path, name: str | None, registry: Registry) -> Model:
    """What the model in `folder` is, by the name given, its manifest, its sizes or its look."""
    name = checked_name(name or _guess(folder, registry))
    if name not in registry:
        return _own(folder, name)
    if said := _look(registry[name], folder):
        raise ModelBroken(f"{folder} is not {name}: {said}")
    return registry[name]


def _guess(folder: Path, registry: Registry) -> str:
    if described := read_manifest(folder):
        return described.name
    alike = (model.name for model in registry.values() if not _look(model, folder))
    return next(alike, folder.resolve().name)


def _own(folder: Path, name: str) -> Model:
    """A model that the registry does not know, as it is now."""
    described = read_manifest(folder)
    if described and not _look(described, folder):
        return replace(described, name=name)
    for needed in _WHISPER_FILES:
        if not (folder / needed).is_file():
            raise BadInput(
                f"{folder} has no {needed}. A Whisper model of CTranslate2 has "
                f"{', '.join(_WHISPER_FILES)}."
            )
    return Model(
        name=name,
        kind="whisper-ct2",
        files=tuple(
            ModelFile(path.name, path.stat().st_size, sha256_of(path))
            for path in sorted(folder.iterdir())
            if path.is_file() and not path.name.startswith(".") and path.name != MANIFEST
        ),
        licence="unknown",
        commercial_use=None,
        languages="unknown",
    )


def _described(name: str, folder: Path, registry: Registry) -> Model:
    """What should be in `folder`: the registry decides, else the manifest."""
    if name in registry:
        return registry[name]
    return read_manifest(folder) or _nothing_known(name)


def _look(model: Model, folder: Path) -> str | None:
    """The first fault in names and sizes; costs no reading."""
    said = (size_fault(folder / file.name, file) for file in model.files)
    return next((sentence for sentence in said if sentence), None if model.files else _UNKNOWN)


def _installed(models: Path) -> list[str]:
    if not models.is_dir():
        return []
    return sorted(each.name for each in models.iterdir() if each.is_dir() and each.name[0] != ".")


def _listed(name: str, models: Path, registry: Registry) -> Listed:
    folder = models / name
    if not folder.is_dir():
        return Listed(registry[name], None)
    try:
        model = _described(name, folder, registry)
    except ModelBroken as error:
        return Listed(_nothing_known(name), folder, str(error))
    return Listed(model, folder, _look(model, folder))


def _verify(name: str, models: Path, registry: Registry) -> list[Finding]:
    what, folder = f"model {name}", models / name
    if not folder.is_dir():
        return [Finding(what, False, f"not in {models}", _bring(name, registry))]
    listed, remedy = _listed(name, models, registry), _mend(name, registry)
    if said := faults(listed.model, folder) or ([listed.fault] if listed.fault else []):
        return [Finding(what, False, sentence, remedy) for sentence in said]
    files, size = len(listed.model.files), listed.model.size / 1e6
    return [Finding(what, True, f"{files} files, {size:.1f} MB, all sums right")]


def _nothing_known(name: str) -> Model:
    return Model(name, "unknown", (), "unknown", None, "unknown")


def _bring(name: str, registry: Registry) -> str:
    known = name in registry
    return f"Run: malgwi models {f'pull {name}' if known else f'add DIR --name {name}'}"


def _mend(name: str, registry: Registry) -> str:
    return ("" if name in registry else "Take it away. ") + _bring(name, registry)
