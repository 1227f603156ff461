"""Pieces of all requests share the engines: who waits, who goes next, and on which process.

base         lanes, and what a fleet of engines promises
waiting      which pieces go next, and which of them together
dispatcher   one engine: its queue, its process, and what goes wrong there
process      the parent's end of a worker
worker       the process that has the model in it
fleet        several models: aliases, loading, idle ones unloaded, a bound for memory
shared       the engine as one request sees it
"""

from malgwi.scheduling.base import Fleet, ModelState
from malgwi.scheduling.dispatcher import Dispatcher
from malgwi.scheduling.fleet import ModelFleet, Plan
from malgwi.scheduling.observer import Observer, Unobserved
from malgwi.scheduling.shared import SharedTranscriber
from malgwi.scheduling.worker import Build
from malgwi.types import Lane

__all__ = [
    "Build",
    "Dispatcher",
    "Fleet",
    "Lane",
    "ModelFleet",
    "ModelState",
    "Observer",
    "Plan",
    "SharedTranscriber",
    "Unobserved",
]
