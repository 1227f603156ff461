"""A process that does nothing but jobs, whose ids Celery brings."""

from collections.abc import Callable, Sequence

from malgwi.errors import EngineMissing
from malgwi.jobs.base import Context


def run_worker(
    build: Callable[[], Context],
    broker: str,
    queues: Sequence[str],
    *,
    processes: int = 1,
    soft_shutdown: float = 20.0,
) -> int:
    """Do jobs of these queues until SIGTERM. Returns the code to exit with.

    `build` is called in each of the child processes, when it has its first job. When told to stop
    they have their context's `grace` to give their jobs back, and are killed after `soft_shutdown`
    seconds; whoever would kill this process should wait for longer. Raises EngineMissing where
    Celery is not installed.
    """
    try:
        from malgwi.jobs import celery
    except ModuleNotFoundError as error:
        raise EngineMissing("celery", error.name) from error
    queue = celery.CeleryQueue(broker)
    return celery.run_worker(build, queue, queues, processes, soft_shutdown)
