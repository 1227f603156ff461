"""What a service says, for people: jobs, hits, and the waiting for a job.

Colour and weight say nothing that is not said without them. Nothing that came from elsewhere moves
the cursor: names and texts are whatever somebody called them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from malgwi.client import Hit, Job, Submitted

STEP = 0.05  # of the work, after which there is another line
MATCHED = "bold yellow"
_DOING = {"waiting": "waiting for another job", "queued": "queued", "running": "running"}


def submitted_lines(submitted: Submitted) -> Iterator[str]:
    recording, job = submitted["recording"], submitted["job"]
    known = ", which was there already" if submitted["duplicate"] else ""
    yield f"Recording   {recording['id']}  {plain(recording['name'])}{known}"
    yield f"Job         {job['id']}  {job['state']}"


def job_row(job: Job) -> str:
    """One of many."""
    share = share_done(job)
    done = "" if share is None else f"{int(share * 100)} %"
    of = f"{job['kind']} {job['recording'] or ''}".rstrip()
    return f"{job['id']}  {job['state']:9} {done:>5}  {_local(job['created'])}  {plain(of)}"


def job_lines(job: Job) -> Iterator[str]:
    """All there is to say of it."""
    yield f"Job         {job['id']}  {plain(job['kind'])}"
    yield f"State       {doing(job)}"
    if job["cancel_asked"] and not job["ended"]:
        yield "            It was asked to stop."
    yield f"Attempt     {job['attempt']} of {job['max_attempts']}"
    for name, value in (
        ("Recording", job["recording"]),
        ("Transcript", job["progress"].get("transcript")),
        ("Error", job["error"]),
    ):
        if value:
            yield f"{name:11} {plain(str(value))}"
    for name, moment in (
        ("Created", job["created"]),
        ("Started", job["started"]),
        ("Ended", job["ended"]),
    ):
        if moment:
            yield f"{name:11} {_local(moment, 'seconds')}"


def doing(job: Job) -> str:
    """How far it is, as in: running, 0:42 of 1:03, 66 %, 35x real time, 0:05 left."""
    parts = [_DOING.get(job["state"], job["state"])]
    progress, share = job["progress"], share_done(job)
    if job["state"] == "running" and share is not None:
        if progress.get("audio_total"):
            parts.append(f"{clock(progress['audio_done'])} of {clock(progress['audio_total'])}")
        parts.append(f"{int(share * 100)} %")
        if pace := progress.get("times_real_time"):
            parts.append(f"{pace:.3g}x real time")
        if left := progress.get("seconds_left"):
            parts.append(f"{clock(left)} left")
    return ", ".join(parts)


def share_done(job: Job) -> float | None:
    """0 to 1; None where nothing is known."""
    if job["state"] == "done":
        return 1.0
    progress = job["progress"]
    for done, total in (("audio_done", "audio_total"), ("done", "of")):
        if progress.get(total):
            return min(1.0, float(progress.get(done) or 0.0) / float(progress[total]))
    return None


def print_hit(console: Console, hit: Hit) -> None:
    """Two lines: where it was said, and what, with what matched in it marked."""
    where = Text(plain(hit["recording_name"]), "bold")
    said_by = [plain(hit["channel_label"])]
    if hit["speaker"]:
        said_by.append(plain(hit["speaker"]))
    when = [clock(hit["start"]), *([_local(hit["at"], "seconds")] if hit["at"] else [])]
    where.append("  " + " · ".join([*when, *said_by]), "not bold")
    where.append(f"  {hit['transcript']}", "not bold dim")
    text = Text(plain(hit["text"]))
    for start, end in hit["parts"]:
        text.stylize(MATCHED, start, end)
    console.print(where, soft_wrap=True)
    console.print(Text("  ") + text, soft_wrap=not console.is_terminal)


@contextmanager
def waiting(file: TextIO) -> Iterator[Callable[[Job], None]]:
    """Shows on `file` how far a job is: a bar in a terminal, lines elsewhere."""
    console = Console(file=file, highlight=False)
    if not console.is_terminal:
        yield _lines(file)
        return
    columns = (BarColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda job: bar.update(
            task,
            description=doing(job),
            completed=share_done(job) or 0.0,
            total=None if share_done(job) is None else 1.0,
        )


def _lines(file: TextIO) -> Callable[[Job], None]:
    shown: tuple[str, float] | None = None

    def update(job: Job) -> None:
        nonlocal shown
        state, share = job["state"], share_done(job) or 0.0
        if shown is None or shown[0] != state or share - shown[1] >= STEP:
            shown = state, share
            file.write(doing(job).capitalize() + ".\n")
            file.flush()

    return update


def plain(text: str) -> str:
    """As long as it was, without what a terminal would obey."""
    return "".join(each if each.isprintable() else " " for each in text)


def clock(seconds: float) -> str:
    """As 0:42 or 1:02:03, down to the whole second: playing from there misses nothing."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _local(moment: str, down_to: str = "minutes") -> str:
    """By the clock of this machine."""
    local = datetime.fromisoformat(moment).astimezone().replace(tzinfo=None)
    return local.isoformat(" ", down_to)
