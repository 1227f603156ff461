"""What stands beside the files of an installed model: malgwi-model.json.

It says where the files came from and what they were when they were checked. Of a model that
somebody brought along, it is all that is known.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from malgwi.errors import ModelBroken
from malgwi.ops.registry import Model, ModelFile

MANIFEST = "malgwi-model.json"
_AGAIN = "Fetch or add the model again."


def write_manifest(folder: Path, model: Model, source: str) -> None:
    """Say in `folder` what `model` is and that `source` brought it just now."""
    content = {
        "name": model.name,
        "kind": model.kind,
        "source": source,
        "repository": model.repository,
        "revision": model.revision,
        "licence": model.licence,
        "commercial_use": model.commercial_use,
        "languages": model.languages,
        "files": _files(model.files),
        "fetched_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def read_manifest(folder: Path) -> Model | None:
    """The model that the manifest in `folder` describes; None where there is none.

    Raises ModelBroken where there is one that cannot be read, or that names files elsewhere:
    it may have been carried over from anywhere, and what it names is read and copied.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        model = TypeAdapter(Model).validate_json(path.read_bytes())
    except ValidationError as error:
        raise ModelBroken(f"{path} cannot be read: {_first(error)}. {_AGAIN}") from error
    for file in model.files:
        if not _is_plain(file.name):
            raise ModelBroken(f"{path} names {file.name!r}, which is not in its folder. {_AGAIN}")
    return model


def _first(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    return ": ".join([*map(str, fault["loc"]), fault["msg"].lower()])


def _is_plain(name: str) -> bool:
    return name == Path(name).name and not name.startswith(".")


def _files(files: Sequence[ModelFile]) -> list[dict[str, object]]:
    kept = ("name", "size", "sha256")
    return [{key: asdict(file)[key] for key in kept} for file in files]
