"""How far a transcription has got: a bar, plain lines, JSON lines, or nothing.

All four take the same values by the same call; what they say about speed and time left is
computed here, from the value alone, so none of them owns a clock.

    with progress_display(Style.BAR, sys.stderr) as update:
        transcribe(..., on_progress=update)
"""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from typing import Protocol, TextIO

STEP = 0.05  # of the recording, after which there is another line
TOO_EARLY = 0.02  # of the recording, before which nobody knows how long it will take
PATIENCE = 10.0  # seconds without a line, after which there is one anyway
NAMES = {"decoding": "Decoding", "recognising": "Recognising", "writing": "Writing"}


class Progress(Protocol):
    """What a display has to know; the pipeline's own values fit. Times are in seconds."""

    @property
    def stage(self) -> str: ...

    @property
    def audio_done(self) -> float:
        """Of the recording, whatever the number of channels."""

    @property
    def audio_total(self) -> float | None:
        """None where the length of the recording is not known."""

    @property
    def speech_done(self) -> float: ...

    @property
    def speech_found(self) -> float: ...

    @property
    def channels(self) -> int: ...

    @property
    def wall(self) -> float:
        """Since the start."""


Update = Callable[[Progress], None]


class Style(StrEnum):
    """How progress is shown."""

    BAR = "bar"
    LINES = "lines"
    JSON = "json"
    QUIET = "quiet"

    @classmethod
    def fitting(cls, file: TextIO) -> "Style":
        """A bar in a terminal, lines in a log."""
        return cls.BAR if file.isatty() else cls.LINES


def progress_display(style: Style, file: TextIO) -> AbstractContextManager[Update]:
    """What shows progress on `file` (stderr: stdout may be the transcript) while it is open."""
    if style is Style.BAR:
        return _bar(file)
    return _each_line({Style.LINES: _lines, Style.JSON: _json, Style.QUIET: _quiet}[style](file))


def speed(progress: Progress) -> float | None:
    """Times real time: seconds of sound, all channels added up, a second. None at the start."""
    if progress.wall <= 0 or progress.audio_done <= 0:
        return None
    return progress.audio_done * progress.channels / progress.wall


def time_left(progress: Progress) -> float | None:
    """Seconds, if it goes on as it went; None where the length or the speed is not known.

    Nor at the very beginning: with many channels the first pieces are done long before everything
    said until then is, and an estimate from them would be hours.
    """
    if progress.audio_total is None or progress.audio_done <= TOO_EARLY * progress.audio_total:
        return None
    rest = max(0.0, progress.audio_total - progress.audio_done)
    return rest * progress.wall / progress.audio_done


def share(progress: Progress) -> float | None:
    """How much of the recording is done, 0 to 1."""
    if not progress.audio_total:
        return None
    return min(1.0, progress.audio_done / progress.audio_total)


def clock(seconds: float) -> str:
    """As 0:42 or 1:02:03, down to the whole second, so that it never runs ahead."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


@contextmanager
def _each_line(update: Update) -> Iterator[Update]:
    yield update


def _quiet(file: TextIO) -> Update:
    return lambda progress: None


def _json(file: TextIO) -> Update:
    def update(progress: Progress) -> None:
        file.write(json.dumps(_event(progress)) + "\n")
        file.flush()

    return update


def _event(progress: Progress) -> dict[str, object]:
    return {
        "event": "progress",
        "stage": progress.stage,
        "audio_done": _rounded(progress.audio_done),
        "audio_total": _rounded(progress.audio_total),
        "speech_done": _rounded(progress.speech_done),
        "speech_found": _rounded(progress.speech_found),
        "channels": progress.channels,
        "wall": _rounded(progress.wall),
        "speed": _rounded(speed(progress)),
        "time_left": _rounded(time_left(progress)),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _lines(file: TextIO) -> Update:
    last: Progress | None = None

    def update(progress: Progress) -> None:
        nonlocal last
        if last is None or _worth_a_line(last, progress):
            last = progress
            file.write(_sentence(progress) + "\n")
            file.flush()

    return update


def _worth_a_line(last: Progress, now: Progress) -> bool:
    further = (share(now) or 0.0) - (share(last) or 0.0) >= STEP - 1e-9
    finished = share(now) == 1.0 and share(last) != 1.0
    return now.stage != last.stage or further or finished or now.wall - last.wall >= PATIENCE


def _sentence(progress: Progress) -> str:
    done = share(progress)
    parts = [f"{NAMES.get(progress.stage, progress.stage)} {_done(progress)}"]
    if done is not None:
        parts.append(f"{int(done * 100)} %")
    return ", ".join([*parts, *_pace(progress)])


def _done(progress: Progress) -> str:
    total = progress.audio_total
    return clock(progress.audio_done) + ("" if total is None else f" of {clock(total)}")


def _pace(progress: Progress) -> list[str]:
    pace, left = speed(progress), time_left(progress)
    parts = [] if pace is None else [f"{_figures(pace)}x real time"]
    return parts if left is None else [*parts, f"{clock(left)} left"]


def _figures(pace: float) -> str:
    return f"{pace:.0f}" if pace >= 10 else f"{pace:.1f}"


@contextmanager
def _bar(file: TextIO) -> Iterator[Update]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description:<11}"),
        BarColumn(bar_width=None, complete_style="cyan", finished_style="cyan", pulse_style="cyan"),
        TextColumn("{task.fields[done]}"),
        TextColumn("[dim]{task.fields[pace]}[/]"),
    )
    with Bar(*columns, console=Console(file=file), transient=True, expand=True) as bar:
        task = bar.add_task("Starting", total=None, done="", pace="")

        def update(progress: Progress) -> None:
            bar.update(
                task,
                description=NAMES.get(progress.stage, progress.stage),
                completed=progress.audio_done,
                total=progress.audio_total,
                done=_done(progress),
                pace=" · ".join(_pace(progress)),
            )

        yield update
