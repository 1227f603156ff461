"""Starting other programs, with nothing of the settings of whoever runs this."""

import os
import subprocess
from pathlib import Path

from malgwi.errors import OutputError

GUARD = "REHEARSAL_GUARD"
"""Where set, the folder of the rehearsal's guard, which stays on the path of Python."""

_PATIENCE = 1800.0  # seconds
_OTHERS = ("PIP_", "PYTHON", "MALGWI_", "STT_", "STACK_", "COMPOSE_")


def environment() -> dict[str, str]:
    """Nothing of the settings of whoever runs it gets into what is installed."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_OTHERS) or name == GUARD
    }
    guard = {"PYTHONPATH": kept[GUARD]} if GUARD in kept else {}
    return {**kept, **guard, "PIP_CONFIG_FILE": os.devnull, "MALGWI_OFFLINE": "1"}


def ran(
    command: list[str], *, folder: Path | None = None, given: str = ""
) -> "subprocess.CompletedProcess[str]":
    """However it ended. Raises OutputError where it cannot be started, or takes half an hour."""
    try:
        return subprocess.run(
            command,
            cwd=folder,
            input=given,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=environment(),
            timeout=_PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise OutputError(f"{Path(command[0]).name} does not run: {error}.") from error


def run(command: list[str], doing: str, folder: Path | None = None) -> str:
    """What it printed. Raises OutputError with its last line where it fails."""
    done = ran(command, folder=folder)
    if done.returncode:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        said = lines[-1].removeprefix("ERROR: ") if lines else "it gave no reason"
        raise OutputError(f"{Path(command[0]).name} could not {doing}: {said.rstrip('.')}.")
    return done.stdout
