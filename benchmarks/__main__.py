"""All that `make bench` measures, one after the other. Takes about two hours on two cores."""

import subprocess
import sys

from benchmarks import results, work
from malgwi.config import read_config

SMALL = "whisper-small-int8"  # see README.md; measured where it is
STEPS = (
    ("startup",),
    ("speed",),
    ("speed", "--language", "ko", "--channels", "4", "--duration", "5m"),
    ("speed", "--language", "ko", "--read"),
    ("memory",),
    ("load",),
    ("load", "--memory"),
    ("accuracy",),
)
STEPS_OF_SMALL = (
    ("speed", "--repeats", "1"),
    ("speed", "--language", "ko", "--read", "--repeats", "1"),
    ("accuracy",),
)


def main() -> None:
    work.require_shared()
    here = (read_config().models / SMALL).is_dir()
    small = tuple((*step, "--model", SMALL) for step in STEPS_OF_SMALL) if here else ()
    for step in (*STEPS, *small):
        print(f"\n# {' '.join(step)}\n", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{step[0]}", *step[1:]], check=True)
    results.main()


if __name__ == "__main__":
    main()
