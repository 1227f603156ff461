"""Somebody else's engines, installed as theirs would be: a module and its entry points."""

from pathlib import Path

MODULE = '''
"""Engines that are slow, broken or mortal."""

import os
import signal
import time

from malgwi.errors import EngineFailed
from malgwi.testing import ScriptedTranscriber


class Slow(ScriptedTranscriber):
    def __init__(self, *, seconds=0.0, text="hello there"):
        super().__init__(text=text)
        self.seconds = seconds

    def transcribe(self, pieces):
        time.sleep(self.seconds)
        return super().transcribe(pieces)


class Mortal(ScriptedTranscriber):
    def transcribe(self, pieces):
        os.kill(os.getpid(), signal.SIGKILL)


class Broken(ScriptedTranscriber):
    def transcribe(self, pieces):
        raise EngineFailed("broken ran out of memory. Use a smaller model.")
'''
ENTRY_POINTS = """
[malgwi.stt]
slow = third_party:Slow
broken = third_party:Broken
mortal = third_party:Mortal
"""


def install(folder: Path) -> Path:
    """Engines `slow`, `broken` and `mortal`, for whoever has `folder` in the path."""
    about = folder / "third_party-1.0.dist-info"
    about.mkdir(parents=True)
    (folder / "third_party.py").write_text(MODULE)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRY_POINTS)
    return folder
