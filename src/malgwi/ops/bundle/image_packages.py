"""What is installed inside a container image: Debian's packages and Python's, out of its layers."""

import gzip
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from email.parser import HeaderParser
from typing import BinaryIO

from malgwi.ops.bundle.images import Read, description

Packages = list[tuple[str, str, str]]
"""Name, version and package URL."""

_STATUS = re.compile(r"(\./)?var/lib/dpkg/status(\.d/[^/]+)?")
_METADATA = re.compile(r"(\./)?.+/(site|dist)-packages/[^/]+\.dist-info/METADATA")
_MOST = 32 << 20  # bytes of a file that is read


def packages_of(layers: list[str], opened: Callable[[str], BinaryIO]) -> Packages:
    """Of all layers, a later one before an earlier one. Layers that cannot be read say nothing."""
    found: dict[str, tuple[str, str, str]] = {}
    for digest in layers:
        with opened(digest) as file:
            for each in _packages(file):
                found[each[2].partition("@")[0]] = each
    return sorted(found.values())


def layers_of(manifest: str, read: Read) -> list[str]:
    content = description(read(manifest), manifest)
    return [str(each["digest"]).partition(":")[2] for each in content.get("layers", [])]


def _packages(file: BinaryIO) -> Iterator[tuple[str, str, str]]:
    try:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        stream = gzip.GzipFile(fileobj=file) if packed else file
        with tarfile.open(fileobj=stream, mode="r|") as layer:
            for member in layer:
                if not member.isreg() or member.size > _MOST:
                    continue
                if _STATUS.fullmatch(member.name):
                    yield from _debian(_text(layer, member))
                elif _METADATA.fullmatch(member.name):
                    yield from _python(_text(layer, member))
    except (tarfile.TarError, OSError, EOFError, zlib.error):
        return  # zstd, or damaged: the layer itself is in the list


def _text(layer: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    file = layer.extractfile(member)
    return file.read().decode("utf-8", "replace") if file else ""


def _debian(status: str) -> Iterator[tuple[str, str, str]]:
    for entry in status.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|Architecture): (.+)$", entry, re.MULTILINE))
        if "Package" in fields and "Version" in fields:
            name, version = fields["Package"], fields["Version"]
            yield name, version, f"pkg:deb/debian/{name}@{version}"


def _python(metadata: str) -> Iterator[tuple[str, str, str]]:
    fields = HeaderParser().parsestr(metadata, headersonly=True)
    name, version = fields["Name"], fields["Version"]
    if name and version:
        yield name, version, f"pkg:pypi/{name.lower().replace('_', '-')}@{version}"
