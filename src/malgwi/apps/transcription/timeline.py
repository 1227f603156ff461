"""The transcript in the terminal: who speaks when as lanes, then what they say.

Colour tells the channels apart and nothing else: what it also says stands there as text, so
a log file and NO_COLOR lose nothing.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from malgwi.apps.transcription.formats.shown import (
    Line,
    channel_labels,
    clock,
    left_out,
    one_line,
    recording_name,
    shown,
    warnings,
)
from malgwi.types import Transcript, Utterance

COLOURS = (
    "#4c9be8", "#e08a4b", "#5fb37a", "#c77dca", "#c9a227", "#3fb0ac", "#e06c8a", "#93a84f",
    "#8b8ff0", "#cf7d5c", "#4fa9cf", "#b08b4f", "#68b89a", "#d486a8", "#a3a3a3", "#b0a4e3",
)  # fmt: skip
LEVELS = "▁▂▃▄▅▆▇"  # not the full block: lanes would run into one another
TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800)  # seconds
LABEL_COLUMNS = 20
TICK_COLUMNS = 12  # at least, from one mark of time to the next
UNSURE = 0.5  # of confidence, below which a line is dimmed and gets a question mark
MOST = 200  # lines, unless told otherwise


def print_timeline(
    console: Console, transcript: Transcript, *, rest_in: Path | None = None, most: int = MOST
) -> None:
    """Print it. After `most` utterances it says how many more there are, and in which file."""
    console.print(_head(transcript))
    for warning in warnings(transcript):
        console.print(Text(f"! {warning}", "yellow"))
    console.print()
    width = min(LABEL_COLUMNS, max(map(cell_len, _names(transcript)), default=0))
    for line in _lanes(transcript, width, console.width):
        console.print(line, no_wrap=True, overflow="crop")
    console.print()
    lines = list(shown(transcript))
    console.print(_table(lines[:most], width, transcript.duration))
    if len(lines) > most:
        place = f" in {rest_in}" if rest_in else ""
        console.print(Text(f"… and {len(lines) - most} more{place}", "dim"), soft_wrap=True)
    console.print()
    console.print(_foot(transcript, lines))


def _names(transcript: Transcript) -> Iterator[str]:
    yield from map(one_line, channel_labels(transcript).values())
    yield from (one_line(line.who) for line in shown(transcript))


def _head(transcript: Transcript) -> Text:
    engine, count = transcript.engine, len(transcript.channels)
    parts = [
        clock(transcript.duration, 0),
        f"{count} channel{'' if count == 1 else 's'}",
        f"{engine.model} on {engine.device}",
    ]
    if transcript.timings.real_time_factor:
        parts.append(f"{1 / transcript.timings.real_time_factor:.3g}x real time")
    head = Text(recording_name(transcript), "bold")
    head.append("  " + " · ".join(parts), "not bold dim")
    if engine.fallback_reason:
        head.append(f"\n! {engine.fallback_reason}", "not bold yellow")
    return head


def _lanes(transcript: Transcript, label_width: int, width: int) -> Iterator[Text]:
    columns = max(1, width - label_width - 2)
    yield Text(" " * (label_width + 2)).append(_ruler(transcript.duration, columns), "dim")
    for channel in transcript.channels:
        colour = _colour(channel.index)
        lane = Text(_fitted(one_line(channel.label), label_width) + "  ", colour)
        heard = [each for each in transcript.of_channel(channel.index) if each.counts]
        for share in _shares(heard, transcript.duration, columns):
            lane.append("·", "dim not bold bright_black") if not share else lane.append(
                LEVELS[min(len(LEVELS) - 1, int(share * len(LEVELS)))]
            )
        yield lane


def _shares(heard: Iterable[Utterance], duration: float, columns: int) -> list[float]:
    """How much of each column's stretch of time is speech, 0 to 1."""
    shares = [0.0] * columns
    for each in heard if duration else ():
        start = max(0.0, each.span.start / duration * columns)
        end = min(float(columns), each.span.end / duration * columns)
        for column in range(int(start), min(columns, int(end) + 1)):
            shares[column] += max(0.0, min(end, column + 1) - max(start, column))
    return [min(1.0, share) for share in shares]


def _ruler(duration: float, columns: int) -> str:
    """Marks of time, as many as there is room for."""
    fitting = (each for each in TICKS if each * columns >= TICK_COLUMNS * duration)
    step = next(fitting, TICKS[-1])
    ruler = ""
    for tick in range(0, int(duration) + 1, step):
        place = int(tick / duration * columns) if duration else 0
        mark = f"╷{_tick(tick)}"
        if place >= len(ruler) and place + len(mark) <= columns:
            ruler = ruler.ljust(place) + mark
    return ruler


def _tick(seconds: int) -> str:
    hours, minutes = divmod(seconds // 60, 60)
    start = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{start}:{seconds % 60:02d}"


def _table(lines: list[Line], label_width: int, duration: float) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(no_wrap=True, width=label_width)
    table.add_column(no_wrap=True, width=1, style="yellow")
    table.add_column()
    for who, utterance in lines:
        name = Text(_fitted(one_line(who), label_width), _colour(utterance.channel))
        unsure = _unsure(utterance)
        text = Text(one_line(utterance.text), "dim" if unsure else "")
        start = _start(utterance.span.start, duration)
        table.add_row(start, name, "?" if unsure else "", text)
    return table


def _start(seconds: float, duration: float) -> str:
    """The time, without hours in a recording that has none."""
    full = clock(seconds, 1)
    return full if max(seconds, duration) >= 3600 else full[3:]


def _foot(transcript: Transcript, lines: list[Line]) -> Text:
    retried = sum(each.attempts > 1 for each in transcript.utterances)
    unsure = sum(_unsure(line.utterance) for line in lines)
    hidden = left_out(transcript)
    count = len(lines)
    parts = [f"{count} utterance{'' if count == 1 else 's'}"]
    parts += [f"{unsure} unsure (?)"] if unsure else []
    parts += [f"{retried} retried"] if retried else []
    parts += [f"not shown: {hidden}"] if hidden else []
    return Text(" · ".join(parts), "dim")


def _unsure(utterance: Utterance) -> bool:
    return utterance.confidence is not None and utterance.confidence < UNSURE


def _colour(channel: int) -> str:
    return COLOURS[channel % len(COLOURS)]


def _fitted(label: str, width: int) -> str:
    """Exactly `width` columns: cut with an ellipsis or filled with spaces."""
    return label if cell_len(label) == width else _cut(label, width)


def _cut(label: str, width: int) -> str:
    short = label if cell_len(label) <= width else set_cell_size(label, width - 1).rstrip() + "…"
    return set_cell_size(short, width)
