"""What a rehearsal does in its place without a network: `python -m malgwi.ops.bundle.isolation`."""

import fcntl
import json
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

from malgwi.errors import MalgwiError
from malgwi.ops.bundle.counters import unreachable
from malgwi.ops.bundle.installation import Wishes, install
from malgwi.ops.bundle.process import environment

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


def main(order: dict[str, str | None]) -> dict[str, object]:
    """Sentences on what was done, or why it failed."""
    began, before = time.monotonic(), unreachable()
    folder = Path(order["folder"] or "")
    bundle, into = Path(order["bundle"] or ""), folder / "installed"
    signers = Path(order["signers"]) if order["signers"] else None
    wishes = Wishes(base=Path(order["base"]) if order["base"] else None, with_images=False)
    steps = []
    try:
        first = install(bundle, into, signers=signers, wishes=wishes)
        steps.append(f"Installed {first.manifest.version}. {first.heard}")
        again = install(bundle, into, signers=signers, wishes=wishes)
        steps.append("Installed again: " + ("nothing to do." if again.already else "done anew."))
        steps += _used(into)
    except MalgwiError as error:
        return {"failed": str(error)}
    seconds = round(time.monotonic() - began, 1)
    return {"steps": steps, "unnamed": unreachable() - before, "seconds": seconds}


def _used(into: Path) -> list[str]:
    """Transcribes the sample, where the bundle has it."""
    program, sample = into / "current" / "bin" / "malgwi", into / "current" / "models" / "sample"
    clips = sorted(sample.glob("*.wav"))
    for clip in clips[:1]:
        command = [str(program), "transcribe", str(clip), "--quiet", "--language", "en"]
        done = subprocess.run(command, env=environment(), capture_output=True, check=False)
        if done.returncode:
            raise MalgwiError(f"The sample could not be transcribed: exit {done.returncode}.")
    return ["Transcribed the sample."] if clips else []


def raise_loopback() -> None:
    """A machine's talk with itself is not reaching out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        asked = struct.pack("16sh", b"lo", 0)
        try:
            flags = struct.unpack("16sh", fcntl.ioctl(handle, _SIOCGIFFLAGS, asked)[:18])[1]
            if not flags & _IFF_UP:
                fcntl.ioctl(handle, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | _IFF_UP))
        except OSError:
            return  # without it less is allowed


if __name__ == "__main__":
    raise_loopback()
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))) + "\n")
