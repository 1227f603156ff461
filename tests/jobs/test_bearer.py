"""A name is one process's at a time."""

import subprocess
import sys
from pathlib import Path

from malgwi.jobs import borne

BEARING = """
import sys
from pathlib import Path
from malgwi.jobs import borne

with borne("one", Path(sys.argv[1])) as name:
    print(name, flush=True)
    sys.stdin.read()
"""


def bearing(lock: Path) -> tuple[subprocess.Popen[str], str]:
    """A process that bears a name, and which."""
    process = subprocess.Popen(
        [sys.executable, "-c", BEARING, str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    return process, process.stdout.readline().strip()


def test_a_name_is_borne_by_one_process_and_by_the_next_when_that_is_killed(tmp_path: Path) -> None:
    first, name = bearing(tmp_path / "lock")
    second, another = bearing(tmp_path / "lock")
    third, one_more = bearing(tmp_path / "lock")
    first.kill()
    first.communicate()

    with borne("one", tmp_path / "lock") as ours:
        for each in (second, third):
            each.kill()
            each.communicate()

    assert name == ours == "one"
    assert len({name, another, one_more}) == 3
