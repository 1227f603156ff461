"""Bringing ids from the ledger to the queue."""

import logging

from malgwi.errors import NetworkError
from malgwi.jobs.base import Ledger, Queue

UNDELIVERED = 20.0
"""Seconds after which an id that was sent and brought no worker may be lost."""

logger = logging.getLogger(__name__)


def send_unsent(ledger: Ledger, queue: Queue) -> int:
    """Send what is to be sent now; how many. To be called by who added jobs, and after each job,
    as others may have waited for it; the reaper sends what is left.

    Where the queue does not answer that is logged, not raised: the jobs are in the ledger, and
    the reaper sends them when there is a queue again.
    """
    sent = 0
    try:
        while jobs := ledger.unsent():
            for each in jobs:
                queue.send(each)
                sent += 1
    except NetworkError as error:
        logger.warning("jobs could not be sent", exc_info=error)
    return sent


def send_lost(ledger: Ledger, queue: Queue, after: float = UNDELIVERED) -> int:
    """Have those sent again that the queue lost; how many.

    A long queue is no loss: ids are only sent again where it carries fewer than it should, or each
    job that waits for an hour would be in it a hundred times.
    """
    return sum(
        ledger.send_again(name, after)
        for name, sent in ledger.overdue(after).items()
        if queue.has_lost(name, sent)
    )
