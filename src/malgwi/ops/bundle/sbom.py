"""What a bundle is made of, in the layout of CycloneDX 1.5, as scanners of the company read it.

Packages of a distribution inside container images are read out of the images themselves.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from malgwi.ops.bundle.image_packages import Packages
from malgwi.ops.bundle.manifest import Manifest


def sbom(manifest: Manifest, packages: dict[str, Packages]) -> str:
    """`packages` are those inside the images, by the images' references. The same text for the
    same bundle."""
    about = {
        "timestamp": manifest.created.isoformat(),
        "component": {
            "type": "application",
            "bom-ref": "malgwi",
            "name": "malgwi",
            "version": manifest.version,
        },
    }
    content = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": about,
        "components": [
            *_wheels(manifest),
            *_models(manifest),
            *_images(manifest, packages),
        ],
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def covered(content: bytes) -> frozenset[str]:
    """Sums of the wheels and files of models that a list names. Raises ValueError, KeyError,
    TypeError or AttributeError for what is none."""
    components = json.loads(content)["components"]
    parts = [part for each in components for part in (each, *each.get("components", ()))]
    return frozenset(each["content"] for part in parts for each in part.get("hashes", ()))


def _wheels(manifest: Manifest) -> Iterator[dict[str, Any]]:
    for each in manifest.wheels:
        url = f"pkg:pypi/{each.name.lower().replace('_', '-')}@{quote(each.version)}"
        yield {
            "type": "library",
            "bom-ref": url,
            "name": each.name,
            "version": each.version,
            "purl": url,
            "hashes": _hashes(each.digest),
            "licenses": _licence(each.licence),
        }


def _models(manifest: Manifest) -> Iterator[dict[str, Any]]:
    for each in manifest.models:
        yield {
            "type": "machine-learning-model",
            "bom-ref": f"model/{each.name}",
            "name": each.name,
            "version": each.revision or "unknown",
            "licenses": _licence(each.licence),
            "components": [
                {"type": "file", "name": file.path, "hashes": _hashes(file.digest)}
                for file in each.files
            ],
        }


def _images(manifest: Manifest, packages: dict[str, Packages]) -> Iterator[dict[str, Any]]:
    for each in manifest.images:
        name, _, version = each.reference.rpartition(":")
        yield {
            "type": "container",
            "bom-ref": f"image/{each.reference}",
            "name": name,
            "version": version,
            "hashes": _hashes(each.manifest),
            "components": [
                {"type": "library", "name": kind_name, "version": of, "purl": url}
                for kind_name, of, url in packages.get(each.reference, ())
            ],
        }


def _hashes(digest: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": digest}]


def _licence(said: str | None) -> list[dict[str, Any]]:
    return [{"license": {"name": said}}] if said else []
