"""Work for later: a ledger that is the truth, a queue that carries ids, and who does the work.

`inprocess` is the embedded default, `celery` brings ids to workers on other machines; both are
plugged in under `malgwi.jobs`. Neither knows what a job is about: handlers are given to them.
"""

from malgwi.jobs.base import Answer, Context, Final, Handler, Ledger, Queue, Write
from malgwi.jobs.bearer import borne
from malgwi.jobs.execution import execute
from malgwi.jobs.presence import Facts, Presence, present
from malgwi.jobs.reaper import Reaper, run_reaper
from malgwi.jobs.running import Running
from malgwi.jobs.sending import send_unsent
from malgwi.jobs.worker import run_worker

__all__ = [
    "Answer",
    "Context",
    "Facts",
    "Final",
    "Handler",
    "Ledger",
    "Presence",
    "Queue",
    "Reaper",
    "Running",
    "Write",
    "borne",
    "execute",
    "present",
    "run_reaper",
    "run_worker",
    "send_unsent",
]
