"""RESULTS.md from the results that are kept: `python -m benchmarks.results`."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import bundle, jobs, load, load_memory, memory, search, speed, upload, work
from malgwi.apps.evaluation import Machine, machine_lines

PAGE = Path(__file__).parent / "RESULTS.md"
INTRODUCTION = """\
# Results

Made by `make bench`; [README.md](README.md) says how each figure comes about. Speeds depend on the
machine and on what else it does; compare ratios, which were measured in one run, turn by turn.
"""


def main() -> None:
    PAGE.write_text("\n".join(page()), "utf-8")
    print(PAGE)


def page() -> Iterator[str]:
    yield INTRODUCTION
    results = [json.loads(path.read_text("utf-8")) for path in sorted(work.RESULTS.glob("*.json"))]
    for kind, section in SECTIONS.items():
        for result in results:
            if result.get("kind") == kind:
                yield from section(result)
                yield ""
    for path in sorted(work.RESULTS.glob("accuracy-*.md")):
        yield path.read_text("utf-8")


def _speed(result: dict[str, Any]) -> Iterator[str]:
    yield f"## Speed: {result['model']}, {result['work']}"
    yield ""
    yield from _measured(result)
    yield (
        f"- {result['seconds'] / 60:.0f} channel-minutes, {result['threads']} threads, int8, "
        f"greedy, median of {result['repeats']}, load at the end {result['load']:.1f}"
    )
    yield ""
    yield from speed.lines(result)
    ours = result["rows"].get("malgwi")
    if ours and "vad" in ours:
        share = (ours["decoding"] + ours["vad"]) / ours["wall"]
        yield ""
        yield (
            f"Decoding and voice detection took {ours['decoding']:.1f} s and {ours['vad']:.1f} s, "
            f"{share * 100:.0f} % of the wall time. {ours['retried']:.0f} of "
            f"{ours['utterances']:.0f} utterances were decoded again."
        )


def _memory(result: dict[str, Any]) -> Iterator[str]:
    yield f"## Memory: {result['model']}"
    yield ""
    yield from _measured(result)
    yield ""
    yield from memory.lines(result)


def _startup(result: dict[str, Any]) -> Iterator[str]:
    yield "## Start"
    yield ""
    yield from _measured(result)
    yield ""
    yield f"`malgwi --help`: {result['median']:.3f} s, median of {len(result['walls'])}."


def _load(result: dict[str, Any]) -> Iterator[str]:
    yield f"## Load: {result['model']}"
    yield ""
    yield from _measured(result)
    yield (
        f"- {result['utterances']} utterances of {result['mean_seconds']:.1f} s on average, "
        f"{result['threads']} threads, int8, {result['turns']} turns, load at the end "
        f"{result['load']:.1f}"
    )
    yield ""
    yield from load.lines(result)


def _load_memory(result: dict[str, Any]) -> Iterator[str]:
    yield f"## Memory under load: {result['model']}"
    yield ""
    yield from _measured(result)
    yield (
        f"- {result['clients']} clients, utterances of {result['mean_seconds']:.1f} s on average"
    )
    yield ""
    yield from load_memory.lines(result)


def _jobs(result: dict[str, Any]) -> Iterator[str]:
    yield "## Jobs: from claim to start"
    yield ""
    yield from _measured(result)
    yield ""
    yield from jobs.lines(result)


def _search(result: dict[str, Any]) -> Iterator[str]:
    yield f"## Search: {result['utterances']:,} utterances"
    yield ""
    yield from _measured(result)
    yield f"- {result['queries']} queries, load at the end {result['load']:.1f}"
    yield ""
    yield from search.lines(result)


def _upload(result: dict[str, Any]) -> Iterator[str]:
    yield "## Upload"
    yield ""
    yield from _measured(result)
    yield f"- load at the end {result['load']:.1f}"
    yield ""
    yield from upload.lines(result)


def _bundle(result: dict[str, Any]) -> Iterator[str]:
    yield "## Bundle"
    yield ""
    yield from _measured(result)
    yield f"- with `whisper-base` and `sample`, load at the end {result['load']:.1f}"
    yield ""
    yield from bundle.lines(result)


SECTIONS: dict[str, Callable[[dict[str, Any]], Iterator[str]]] = {
    "speed": _speed,
    "memory": _memory,
    "startup": _startup,
    "load": _load,
    "load-memory": _load_memory,
    "jobs": _jobs,
    "search": _search,
    "upload": _upload,
    "bundle": _bundle,
}


def _measured(result: dict[str, Any]) -> Iterator[str]:
    yield f"- {result['date'][:10]}"
    yield from machine_lines(Machine(**result["machine"]))


if __name__ == "__main__":
    main()
