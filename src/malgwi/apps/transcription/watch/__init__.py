"""Recordings that fall into a folder: taken once they are whole, each of them once, and left there.

    watcher      which files make a recording, and what becomes of them
    names        what the name of a file says: `{channel}_{started:%Y%m%d-%H%M%S}.wav`
    fitting      whether a name fits that
    sidecar      what a JSON file beside it says
    folder       what lies there, and whether somebody still writes on it
    memory       what was done with it before

Nothing in it deletes a file. One that cannot be used is moved to a sub-folder, with its reason.
"""

from malgwi.apps.transcription.watch.names import Names
from malgwi.apps.transcription.watch.sidecar import Told
from malgwi.apps.transcription.watch.watcher import AddJob, Scan, Watcher

__all__ = ["AddJob", "Names", "Scan", "Told", "Watcher"]
