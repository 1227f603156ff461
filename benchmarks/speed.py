"""How fast against faster-whisper, and at how many errors: `python -m benchmarks.speed`.

Each contender runs in a fresh process, one after the other, and all of them again (A B C A B C),
so that whatever else the machine does hits them alike. Figures are medians.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import work
from benchmarks.contenders import CONTENDERS
from malgwi.apps.evaluation import (
    Errors,
    Unmeasured,
    characters,
    count,
    pooled,
    words,
)

USUAL = "malgwi,batched,sequential,sequential-free,batched-words,sequential-words"
SPACED = frozenset({"en", "de", "es", "fr"})
"""Languages that are scored by the word; the others by the character."""


def main() -> None:
    given = _options()
    todo = work.passages(given.language) if given.read else work.radio(
        given.language, given.duration, given.channels
    )  # fmt: skip
    names = given.contenders.split(",")
    runs = run_all(todo, names, given.model, given.threads, given.repeats)
    result = summary(todo, runs, given.model, given.threads)
    path = work.save(f"speed-{given.model}-{todo.name}", result)
    print("\n".join(lines(result)))
    print(f"\n{path}")


def run_all(
    todo: work.Work, names: Sequence[str], model: str, threads: int, repeats: int
) -> dict[str, list[dict[str, Any]]]:
    """What every contender did, each time."""
    work.RESULTS.mkdir(parents=True, exist_ok=True)
    written = work.FOLDER / f"{todo.name}.work.json"
    written.write_text(json.dumps(asdict(todo)), "utf-8")
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for turn in range(repeats):
        for name in names:
            out = work.FOLDER / f"{todo.name}.{name}.json"
            _run(name, written, out, model, threads)
            runs[name].append(json.loads(out.read_text("utf-8")))
            print(f"{turn + 1}/{repeats} {name}: {runs[name][-1]['wall']:.2f} s", file=sys.stderr)
    return runs


def summary(
    todo: work.Work, runs: dict[str, list[dict[str, Any]]], model: str, threads: int
) -> dict[str, Any]:
    """Medians, and how the peers compare with ours."""
    rows = {name: _row(todo, each) for name, each in runs.items()}
    if "malgwi" in rows:
        wall = rows["malgwi"]["wall"]
        for row in rows.values():
            # Against us: our decoding is in, the peers' is left out.
            row["times_ours"] = (row["wall"] - row["decoding"]) / wall
        rows["malgwi"]["times_ours"] = 1.0
    return {
        "kind": "speed",
        "work": todo.name,
        "language": todo.language,
        "unit": "WER" if todo.language in SPACED else "CER",
        "seconds": todo.seconds,
        "model": model,
        "threads": threads,
        "repeats": max(map(len, runs.values())),
        "load": os.getloadavg()[0],
        "rows": rows,
    }


def lines(result: dict[str, Any]) -> list[str]:
    """A table of it, in Markdown."""
    head = ["", "wall s", "× real time", result["unit"], "time against ours", "peak MiB"]
    table = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name, row in result["rows"].items():
        ratio = f"{row['times_ours']:.2f}" if "times_ours" in row else "–"
        cells = [
            name, f"{row['wall']:.1f} ({min(row['walls']):.1f}–{max(row['walls']):.1f})",
            f"{result['seconds'] / row['wall']:.0f}", f"{row['rate']:.3f}", ratio,
            f"{row['peak_memory'] / 2**20:.0f}",
        ]  # fmt: skip
        table.append("| " + " | ".join(cells) + " |")
    return table


def _run(name: str, written: Path, out: Path, model: str, threads: int) -> None:
    arguments = [name, str(written), str(out), "--model", model, "--threads", str(threads)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MALGWI_OFFLINE": "1"}
    command = [sys.executable, "-m", "benchmarks.contenders", *arguments]
    subprocess.run(command, check=True, env=environment, cwd=work.FOLDER.parents[1])


def _row(todo: work.Work, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    errors = [_errors(todo, each["heard"]) for each in runs]
    more = runs[0]["more"]
    return {
        "wall": median(each["wall"] for each in runs),
        "walls": [each["wall"] for each in runs],
        "decoding": median(each["decoding"] for each in runs),
        "rate": median(each.rate or 0.0 for each in errors),
        "errors": [asdict(each) for each in errors],
        "peak_memory": max(each["peak_memory"] for each in runs),
        **{name: median(each["more"][name] for each in runs) for name in more},
    }


def _errors(todo: work.Work, heard: Sequence[Sequence[str]]) -> Errors:
    units = words if todo.language in SPACED else characters
    pairs = [
        count(units(said, todo.language), units(found, todo.language))
        for recording, channels in zip(todo.recordings, heard, strict=True)
        for said, found in zip(recording.said, channels, strict=True)
    ]
    rate = pooled(pairs)
    if isinstance(rate, Unmeasured):
        sys.exit(f"Nothing can be measured: {rate.reason}.")
    return rate.errors


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="whisper-base")
    parser.add_argument("--language", default="en")
    parser.add_argument("--read", action="store_true", help="read passages, no radio channels")
    parser.add_argument("--duration", default="3m")
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--contenders", default=USUAL, help=f"of {', '.join(CONTENDERS)}")
    given = parser.parse_args()
    for name in given.contenders.split(","):
        if name not in CONTENDERS:
            parser.error(f"there is no contender {name!r}")
    return given


if __name__ == "__main__":
    main()
