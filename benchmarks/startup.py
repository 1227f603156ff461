"""How long `malgwi --help` takes: `python -m benchmarks.startup`."""

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks import work

TIMES = 10


def main() -> None:
    walls = [_wall() for _ in range(TIMES + 1)][1:]  # the first may compile
    result = {
        "kind": "startup",
        "median": median(walls),
        "walls": walls,
    }
    path = work.save("startup", result)
    print(f"malgwi --help: {median(walls):.3f} s, median of {TIMES}\n\n{path}")


def _wall() -> float:
    began = time.monotonic()
    command = [str(Path(sys.executable).parent / "malgwi"), "--help"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


if __name__ == "__main__":
    main()
