"""Which files of a folder make a recording, and what becomes of them.

A file is whole once it has not grown for a while by our own watch, and nobody has it open to write.
A kill between any two steps costs nothing but that they are done again: a recording is known by
what is in its files, and a job by its recording.
"""

import hashlib
import logging
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event

from malgwi.apps.transcription.watch import folder as folders
from malgwi.apps.transcription.watch.folder import Changed, Seen
from malgwi.apps.transcription.watch.memory import Memory
from malgwi.apps.transcription.watch.names import Names, Said
from malgwi.apps.transcription.watch.sidecar import Told, check_size, read_sidecar
from malgwi.apps.transcription.work import Open
from malgwi.apps.transcription.work import Source as Part
from malgwi.errors import BadInput, Cancelled, MalgwiError, StoreError, StoreFull
from malgwi.gateway.uploads import label
from malgwi.store import Media, MediaPart, NewRecording, Source, Store

SETTLED = 10.0
"""Seconds without a change after which a file is taken for whole."""
PATIENCE = 600.0
"""Seconds after which a recording is taken though files of it are missing, and an empty file is
one that nobody writes on any more."""
POLL = 2.0
_AGAIN = 60.0  # seconds before a file is looked at again that could not be read or decoded here
_TROUBLE = 30.0  # seconds before another look where nothing can be kept
_SIDECAR = ".json"

AddJob = Callable[[str, Told], object]
"""Gets the id of a recording, and how it is to be transcribed. It may get the same one twice, and
does nothing then."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scan:
    """What one look has come to."""

    taken: tuple[str, ...] = ()
    """Ids of the recordings."""
    known: int = 0
    """Files whose content was taken before, under another name."""
    rejected: int = 0
    """Files that could not be used, and were set aside."""
    waiting: int = 0
    """Files that grow, are not all there, or could not be read."""
    unfit: int = 0
    """Files whose names the pattern does not fit; they are left alone."""


@dataclass(slots=True)
class _Tally:
    """A `Scan` while it is made."""

    taken: list[str] = field(default_factory=list)
    known: int = 0
    rejected: int = 0
    waiting: int = 0
    unfit: int = 0


@dataclass(frozen=True, slots=True)
class _Bundle:
    """The files of a recording, in the order of its channels."""

    files: tuple[Seen, ...]
    said: tuple[Said, ...]
    sidecars: tuple[Seen, ...]
    lacking: int
    """Files that should be there too, and did not come."""

    @property
    def all(self) -> tuple[Seen, ...]:
        return self.files + self.sidecars

    @property
    def names(self) -> str:
        return ", ".join(label(each.name) for each in self.files)


_Named = tuple[Seen, Said]


class Watcher:
    """Watches a folder. One thread calls it.

    `open` tells whether a recording can be used; `memory` is a file outside of the folder.
    """

    def __init__(  # noqa: PLR0913 - each stands for itself
        self,
        folder: Path,
        store: Store,
        add_job: AddJob,
        *,
        open: Open,
        memory: Path,
        names: Names | None = None,
        settled: float = SETTLED,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._store = store
        self._add_job = add_job
        self._open = open
        self._names = names or Names()
        self._settled, self._patience = settled, patience
        self._clock = clock
        self._memory = Memory(memory)
        self._since: dict[str, tuple[Seen, float]] = {}
        """Since when each file is as it is."""
        self._not_before: dict[str, float] = {}
        self._said: set[tuple[Seen, str]] = set()
        """What was logged already."""

    def run(
        self, stop: Event, every: float = POLL, looked: Callable[[Scan], None] = lambda _: None
    ) -> None:
        """Until `stop` is set; `looked` is told of every look."""
        trouble = ""
        while not stop.is_set():
            try:
                looked(self.scan(stop))
                trouble = ""
            except Exception as error:
                if trouble != (trouble := str(error)):
                    logger.warning(
                        "the watched folder is not looked through; there is another look",
                        extra={"folder": str(self._folder)},
                        exc_info=error,
                    )
            stop.wait(_TROUBLE if trouble else every)

    def scan(self, stop: Event | None = None) -> Scan:
        """One look; it takes what is whole. Raises BadInput where the folder cannot be read, and
        StoreGone and its kin where nothing can be kept: what is not taken then is by a later look,
        as is what there is no room for."""
        stop, tally = stop or Event(), _Tally()
        files = folders.look(self._folder)
        self._see(files)
        for bundle in list(self._bundles(files, tally)):
            if stop.is_set():
                break
            self._deal_with(bundle, tally, stop)
        return Scan(tuple(tally.taken), tally.known, tally.rejected, tally.waiting, tally.unfit)

    def close(self) -> None:
        self._memory.close()

    # -- which of them

    def _see(self, files: Mapping[str, Seen]) -> None:
        now, before = self._clock(), self._since
        self._since = {
            name: before[name] if name in before and before[name][0] == seen else (seen, now)
            for name, seen in files.items()
        }
        self._not_before = {
            name: until for name, until in self._not_before.items() if name in files
        }
        self._said = {each for each in self._said if each[0].name in files}
        self._memory.keep_only(set(files))

    def _bundles(self, files: Mapping[str, Seen], tally: _Tally) -> Iterator[_Bundle]:
        for group in self._groups(files, tally):
            bundle = self._bundle(group, files)
            if self._is_whole(bundle):
                yield bundle
            else:
                tally.waiting += len(group)

    def _groups(self, files: Mapping[str, Seen], tally: _Tally) -> Collection[list[_Named]]:
        groups: dict[object, list[_Named]] = {}
        for seen in files.values():
            if seen.name.lower().endswith(_SIDECAR) or self._memory.is_done(seen):
                continue
            said = self._names.read(seen.name)
            if said is None:
                tally.unfit += 1
                self._say_once(seen, "a file is left alone, its name does not fit the pattern")
            else:
                together = said.together if self._names.files > 1 else seen.name
                groups.setdefault(together, []).append((seen, said))
        return groups.values()

    def _bundle(self, group: list[_Named], files: Mapping[str, Seen]) -> _Bundle:
        group = sorted(group, key=lambda each: (_natural(each[1].channel or ""), each[0].name))
        beside = dict.fromkeys(_sidecar_of(seen.name) for seen, _ in group)
        return _Bundle(
            files=tuple(seen for seen, _ in group),
            said=tuple(said for _, said in group),
            sidecars=tuple(files[name] for name in beside if name in files),
            lacking=max(0, self._names.files - len(group)),
        )

    def _is_whole(self, bundle: _Bundle) -> bool:
        now = self._clock()
        if any(now < self._not_before.get(each.name, now) for each in bundle.files):
            return False
        youngest = min(now - self._since[each.name][1] for each in bundle.all)
        is_in_doubt = bundle.lacking > 0 or not all(each.size for each in bundle.files)
        return youngest >= (self._patience if is_in_doubt else self._settled)

    # -- what becomes of them

    def _deal_with(self, bundle: _Bundle, tally: _Tally, stop: Event) -> None:
        try:
            self._take(bundle, tally, stop)
        except Changed:
            self._wait_for(bundle, tally)
        except BadInput as error:
            self._reject(bundle, str(error), tally)
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                reason = error.strerror or type(error).__name__
                self._put_off(bundle, f"a file cannot be read: {reason}", tally)
        except StoreFull as error:  # for this one; others may be smaller
            self._put_off(bundle, str(error), tally)
        except (StoreError, Cancelled):
            raise
        except MalgwiError as error:  # nothing is known against the file
            self._put_off(bundle, str(error), tally)

    def _take(self, bundle: _Bundle, tally: _Tally, stop: Event) -> None:
        told = self._told(bundle)
        if empty := [label(each.name) for each in bundle.files if not each.size]:
            raise BadInput(f"There is nothing in {', '.join(empty)}.")
        media = [self._kept(each) for each in bundle.files]
        content = _content(media)
        if self._memory.was_taken(content):
            self._memory.note(bundle.all)
            tally.known += len(bundle.files)
            logger.info("a file has come again under another name", extra={"file": bundle.names})
            return
        new = self._new(bundle, told, media, stop)
        recording = self._store.add_recording(replace(new, key=f"watch:{content}"))
        self._add_job(recording.id, told)
        self._memory.note(bundle.all, content)
        tally.taken.append(recording.id)
        logger.info(
            "a recording was taken from the watched folder",
            extra={"recording": recording.id, "files": len(media), "missing": bundle.lacking},
        )

    def _told(self, bundle: _Bundle) -> Told:
        if len(bundle.sidecars) > 1:
            names = ", ".join(label(each.name) for each in bundle.sidecars)
            raise BadInput(f"One JSON file may be beside a recording, and there are {names}.")
        for seen in bundle.sidecars:
            check_size(seen.size, label(seen.name))
            with folders.opened(self._folder, seen) as file:
                content = b"".join(folders.blocks(file, seen))
            return read_sidecar(content, label(seen.name))
        return Told()

    def _kept(self, seen: Seen) -> Media:
        with folders.opened(self._folder, seen) as file:
            if folders.is_written_on(file):
                raise Changed
            return self._store.keep_media(folders.blocks(file, seen), size=seen.size)

    def _new(
        self, bundle: _Bundle, told: Told, media: Sequence[Media], stop: Event
    ) -> NewRecording:
        names = [label(each.name) for each in bundle.files]
        parts = [
            Part(self._store.media_path(each.sha256), name, 0.0)
            for each, name in zip(media, names, strict=True)
        ]
        with self._open(parts, (), stop) as recording:
            duration, channels = recording.duration, len(recording.labels)
        labels, metadata = _channel_labels(bundle, told, channels), _metadata(bundle)
        if not labels and bundle.said[0].channel is not None:
            metadata["channel"] = label(bundle.said[0].channel)
        started = told.started or bundle.said[0].started
        return NewRecording(
            name=told.name or names[0],
            media=tuple(
                MediaPart(each.sha256, name) for each, name in zip(media, names, strict=True)
            ),
            started=started and self._names.at_home(started),
            duration=duration,
            channel_labels=labels,
            labels=frozenset(told.labels),
            metadata={**metadata, **told.metadata},
            source=Source.WATCH,
        )

    def _wait_for(self, bundle: _Bundle, tally: _Tally) -> None:
        now = self._clock()
        for each in bundle.all:
            self._since[each.name] = (each, now)
        tally.waiting += len(bundle.files)

    def _put_off(self, bundle: _Bundle, reason: str, tally: _Tally) -> None:
        for each in bundle.files:
            self._not_before[each.name] = self._clock() + _AGAIN
            self._say_once(each, reason)
        tally.waiting += len(bundle.files)

    def _reject(self, bundle: _Bundle, reason: str, tally: _Tally) -> None:
        for each in bundle.all:
            try:
                folders.set_aside(self._folder, each, reason)
                self._say_once(each, f"a file was set aside: {reason}")
            except (OSError, Changed) as error:
                if isinstance(error, Changed | FileNotFoundError):
                    continue
                self._memory.note([each])
                self._say_once(each, f"a file cannot be used, nor moved: {reason}")
        tally.rejected += len(bundle.files)

    def _say_once(self, seen: Seen, what: str) -> None:
        if (seen, what) not in self._said:
            self._said.add((seen, what))
            logger.warning("watched folder", extra={"file": label(seen.name), "reason": what})


def _content(media: Sequence[Media]) -> str:
    """What a recording is known by: the sum of its file, or of the sums of its files."""
    sums = [each.sha256 for each in media]
    return sums[0] if len(sums) == 1 else hashlib.sha256(" ".join(sums).encode()).hexdigest()


def _channel_labels(bundle: _Bundle, told: Told, channels: int) -> tuple[str, ...]:
    """None of them where nobody said them, or the names of the files not for each channel."""
    labels = told.channel_labels
    if labels and (len(labels) != channels or len(set(labels)) < channels):
        raise BadInput(
            f"There are {len(set(labels))} different channel_labels, and the recording has "
            f"{channels} channels."
        )
    named = tuple(label(said.channel or "") for said in bundle.said)
    if labels or len(named) != channels or len(set(named)) < channels or not all(named):
        return labels
    return named


def _metadata(bundle: _Bundle) -> dict[str, str]:
    fields = bundle.said[0].fields or {}
    said = {name: label(value) for name, value in fields.items()}
    return {**said, "files_missing": str(bundle.lacking)} if bundle.lacking else said


def _sidecar_of(name: str) -> str:
    folder, slash, last = name.rpartition("/")
    return folder + slash + (last.rpartition(".")[0] or last) + _SIDECAR


def _natural(channel: str) -> list[tuple[int, int, str]]:
    """So that channel 10 comes after channel 9."""
    parts = re.findall(r"(\d+)|(\D+)", channel)
    return [(0, int(digits), "") if digits else (1, 0, other) for digits, other in parts]
