"""The files of a transcript: all of them are written, or none is.

Each is written under another name in the same folder and brought to disk; when all are whole,
they get their names. A name that is taken is refused before any work, by `check_free`.
"""

import difflib
import errno
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from malgwi.apps.transcription.formats import FORMATS, Format
from malgwi.errors import BadOption, OutputError, OutputExists
from malgwi.types import Channel, Transcript

UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')  # on Linux, macOS or Windows
LONGEST_LABEL = 40  # characters: a name of a file has room for 255 bytes, Hangul takes 3 each


def chosen(names: Iterable[str]) -> list[Format]:
    """The formats of these names, each once. Raises BadOption for a name that is none."""
    return [_format(name) for name in dict.fromkeys(name.strip().lower() for name in names)]


def _format(name: str) -> Format:
    if name in FORMATS:
        return FORMATS[name]
    close = difflib.get_close_matches(name, FORMATS, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    raise BadOption(f"There is no format {name!r}.{hint} Known: {', '.join(FORMATS)}.")


def planned(
    channels: Sequence[Channel],
    formats: Iterable[str],
    out_dir: Path,
    stem: str,
    *,
    per_channel: bool = False,
) -> list[Path]:
    """The files that `write` will make. Call it before the long work.

    Raises BadOption, and OutputError where it can be seen already that they cannot be made.
    """
    jobs = _jobs(channels, formats, out_dir, stem, per_channel)
    with _translated(out_dir):
        if jobs:
            _check_possible(jobs, out_dir)
    return list(jobs)


def check_free(paths: Iterable[Path]) -> None:
    """Raises OutputExists where there is something already. Call it before the long work."""
    taken = [path for path in paths if os.path.lexists(path)]
    if not taken:
        return
    rest = f" and {len(taken) - 3} more" if len(taken) > 3 else ""
    names = ", ".join(map(str, taken[:3])) + rest
    exists = "exist" if len(taken) > 1 else "exists"
    raise OutputExists(f"{names} {exists} already. Give --overwrite to replace, or another --out.")


def write(  # noqa: PLR0913 (what, how, where: an option of the command line each)
    transcript: Transcript,
    formats: Iterable[str],
    out_dir: Path,
    stem: str,
    *,
    per_channel: bool = False,
    overwrite: bool = False,
) -> list[Path]:
    """Write `STEM.FORMAT`, and `STEM.LABEL.FORMAT` for each channel if that is asked for.

    Gives the paths. Raises BadOption, OutputExists and OutputError, and then leaves no new file
    and no old one changed (unless the system fails in the last step, while it renames).
    """
    jobs = _jobs(transcript.channels, formats, out_dir, stem, per_channel)
    if not overwrite:
        check_free(jobs)
    with _translated(out_dir):
        _check_possible(jobs, out_dir)
        out_dir.mkdir(parents=True, exist_ok=True)
        _all_or_none(
            {path: (each, _part(transcript, channel)) for path, (each, channel) in jobs.items()}
        )
    return list(jobs)


def _jobs(
    channels: Sequence[Channel], formats: Iterable[str], out_dir: Path, stem: str, per_channel: bool
) -> dict[Path, tuple[Format, Channel | None]]:
    """What is written where; no channel means all of them."""
    labels = _file_labels(channels) if per_channel else {}
    parts = {"": None, **{f".{label}": channel for label, channel in labels.items()}}
    stem = UNSAFE.sub("_", stem)
    return {
        out_dir / f"{stem}{part}.{each.name}": (each, channel)
        for each in chosen(formats)
        for part, channel in parts.items()
    }


def _check_possible(paths: Iterable[Path], folder: Path) -> None:
    """Raise what writing would raise, as far as that can be seen without writing."""
    above = (folder, *folder.absolute().parents)
    there = next(each for each in above if os.path.lexists(each))
    if not there.is_dir():
        raise _os_error(errno.ENOTDIR, there)
    if not os.access(there, os.W_OK | os.X_OK):
        raise _os_error(errno.EACCES, there)
    for path in paths:
        with suppress(FileNotFoundError):
            (there / _waiting(path).name).lstat()  # tells a name that is too long
        if path.is_dir():
            raise _os_error(errno.EISDIR, path)


def _os_error(number: int, path: Path) -> OSError:
    return OSError(number, os.strerror(number), str(path))


def _waiting(path: Path) -> Path:
    """What the file is called until all are whole."""
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def _all_or_none(jobs: dict[Path, tuple[Format, Transcript]]) -> None:
    waiting = {path: _waiting(path) for path in jobs}
    try:
        for path, (each, transcript) in jobs.items():
            _write_whole(each, transcript, waiting[path])
        for path, part in waiting.items():
            part.replace(path)
    finally:  # Ctrl-C too leaves nothing lying about
        for part in waiting.values():
            with suppress(OSError):
                part.unlink(missing_ok=True)


def _write_whole(each: Format, transcript: Transcript, path: Path) -> None:
    with _opened(each, path) as file:
        each.write(transcript, file)
        file.flush()
        os.fsync(file.fileno())


def _opened(each: Format, path: Path) -> IO[Any]:
    if each.encoding is None:
        return path.open("wb")
    # A file name that is not text, among the sources, must not cost the transcript: "replace".
    return path.open("w", encoding=each.encoding, newline="", errors="replace")


def _part(transcript: Transcript, channel: Channel | None) -> Transcript:
    """The transcript of one channel, or of all."""
    if channel is None:
        return transcript
    return replace(transcript, channels=(channel,), utterances=transcript.of_channel(channel.index))


def _file_labels(channels: Sequence[Channel]) -> dict[str, Channel]:
    """Labels that can stand in a file name, no two the same, whatever their case."""
    labels: dict[str, Channel] = {}
    for channel in channels:
        label = unicodedata.normalize("NFC", channel.label)
        label = UNSAFE.sub("_", label)[:LONGEST_LABEL].strip(". ")
        labels[_free(label or f"channel-{channel.index + 1}", labels)] = channel
    return labels


def _free(label: str, taken: Iterable[str]) -> str:
    used, free, count = {each.casefold() for each in taken}, label, 1
    while free.casefold() in used:
        count += 1
        free = f"{label}-{count}"
    return free


@contextmanager
def _translated(out_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(_sentence(error, out_dir)) from error


def _sentence(error: OSError, out_dir: Path) -> str:
    place = out_dir if error.filename is None else _final_name(Path(os.fsdecode(error.filename)))
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"There is no room left to write {place}. Make room, or give another --out."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"It is not allowed to write {place}. Give another --out, or change its rights."
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return f"{place} is a file, where a folder is needed. Give another --out."
    if error.errno == errno.EISDIR:
        return f"{place} is a folder, where a file is to be written. Give another --out."
    if error.errno == errno.ENAMETOOLONG:
        return f"{place} is too long a name for a file. Rename the recording, or shorten a label."
    return f"{place} cannot be written: {error.strerror or error}. Give another --out."


def _final_name(path: Path) -> Path:
    """The file that was meant, where `path` is the one it is written under."""
    name = re.fullmatch(r"\.(.+)\.\d+\.part", path.name)
    return path.with_name(name[1]) if name else path
