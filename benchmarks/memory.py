"""Whether memory grows with the length of a recording: `python -m benchmarks.memory`.

The same command on the same kind of recording, ten minutes and two hours of sixteen channels;
what counts is the most that the process held, by the system's own account.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import work

ACTIVITY = "0.1"  # share of time in which a channel carries speech; more only takes longer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="whisper-base")
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--durations", default="10m,2h")
    given = parser.parse_args()
    rows = [_measure(each, given.channels, given.model) for each in given.durations.split(",")]
    result = {
        "kind": "memory",
        "model": given.model,
        "channels": given.channels,
        "rows": rows,
    }
    path = work.save(f"memory-{given.model}", result)
    print("\n".join(lines(result)))
    print(f"\n{path}")


def lines(result: dict[str, Any]) -> list[str]:
    table = ["| recording | wall s | peak MiB |", "|---|---|---|"]
    for row in result["rows"]:
        name = f"{result['channels']} × {row['duration']}"
        table.append(f"| {name} | {row['wall']:.1f} | {row['peak_memory'] / 2**20:.0f} |")
    first, last = (result["rows"][at]["peak_memory"] for at in (0, -1))
    return [
        *table,
        "",
        f"The longest needs {(last / first - 1) * 100:+.1f} % against the shortest.",
    ]


def _measure(duration: str, channels: int, model: str) -> dict[str, Any]:
    path = work.scenario(
        f"long-{channels}x{duration}", "--language", "en", "--duration", duration,
        "--channels", str(channels), "--sample-rate", "8000", "--activity", ACTIVITY,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as out:
        began = time.monotonic()
        command = [str(Path(sys.executable).parent / "malgwi"), "transcribe", str(path)]
        options = ["--language", "en", "--model", model, "--out", out, "--quiet"]
        peak = _peak_of([*command, *options])
        return {"duration": duration, "wall": time.monotonic() - began, "peak_memory": peak}


def _peak_of(command: list[str]) -> int:
    """Bytes that the command held at most."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed.")
    return usage.ru_maxrss if sys.platform == "darwin" else usage.ru_maxrss * 1024


if __name__ == "__main__":
    main()
