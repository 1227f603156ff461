"""Takes out of an environment what no process reads or loads: more than a quarter of its bytes.

Of files, that is told by rules. Of a shared library it is told by the library itself: what lies in
no segment (symbols, what debuggers read) is never loaded, and is 65 of the 68 MB of one of them.
No byte that is loaded changes, so that no tools of a compiler are needed, on any processor.

    python slim.py FOLDER     says how much went
"""

import shutil
import struct
import sys
from pathlib import Path

UNUSED = (
    "**/tests",  # of the packages themselves
    "**/onnx/backend/test",
    "**/numpy/_core/include",
    *(f"**/*.{each}" for each in ("pyx", "pxd", "h", "hpp", "c", "cpp", "a")),  # for compilers
    "**/*.pyi",  # for who checks types
    "**/onnxruntime/capi/libonnxruntime.so.*",  # for other languages: Python's has it all inside
)

_MAGIC = b"\x7fELF\x02\x01"  # of 64 bits, the lowest first
_HEADER, _SEGMENT = struct.Struct("<16sHHIQQQIHHHHHH"), struct.Struct("<IIQQQQQQ")
_TABLE, _SECTIONS, _SEGMENTS, _SECTION_COUNT, _SECTION_NAMES = 5, 6, 10, 12, 13  # in the header
_KIND, _OFFSET, _STORED, _ALIGNED = 0, 2, 5, 7  # in a segment
_LOADED = 1


def main(folder: Path) -> None:
    before = _size(folder)
    for pattern in UNUSED:
        for path in list(folder.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in _files(folder):
        if ".so" in path.suffixes and (content := path.read_bytes()).startswith(_MAGIC):
            path.write_bytes(loaded(content))
    sys.stdout.write(f"{before >> 20} MiB became {_size(folder) >> 20} MiB.\n")


def loaded(library: bytes) -> bytes:
    """The library without what lies in none of its segments, and without its list of sections."""
    header = list(_HEADER.unpack_from(library))
    table = slice(header[_TABLE], header[_TABLE] + header[_SEGMENTS] * _SEGMENT.size)
    segments = [list(each) for each in _SEGMENT.iter_unpack(library[table])]
    spans = [(each[_OFFSET], each[_OFFSET] + each[_STORED]) for each in segments]
    spans += [(0, _HEADER.size), (table.start, table.stop)]
    # Offsets and addresses have to agree by this much, or it is refused when it is to be loaded.
    step = max(each[_ALIGNED] for each in segments if each[_KIND] == _LOADED)

    kept, gone, gone_before = bytearray(), 0, dict[int, int]()
    for start, stop in sorted(spans):
        gone += max(start - gone - len(kept), 0) // step * step
        gone_before[start] = gone
        kept += library[gone + len(kept) : stop]

    for each in segments:
        each[_OFFSET] -= gone_before[each[_OFFSET]]
    header[_TABLE] -= gone_before[table.start]
    header[_SECTIONS] = header[_SECTION_COUNT] = header[_SECTION_NAMES] = 0
    _HEADER.pack_into(kept, 0, *header)
    for number, each in enumerate(segments):
        _SEGMENT.pack_into(kept, header[_TABLE] + number * _SEGMENT.size, *each)
    return bytes(kept)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in _files(folder))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
