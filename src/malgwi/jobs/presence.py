"""Which services there are on which machine: each says so in Redis, and is forgotten soon after it
says nothing more.

It is for whoever examines an installation of several machines. Nothing is decided by it: who holds
a job the ledger knows.
"""

import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

from malgwi.errors import EngineMissing, NetworkError

EVERY = 5.0
"""Seconds between two signs of life."""
GONE = 16
"""Seconds after the last of them until nobody knows of it any more."""
LOOK = 30.0
"""Seconds after which a service looks anew how it is."""

_KEY = "malgwi:service:"
_WAIT = 1.5
_MOST = 1000  # services

Facts = Mapping[str, Any]
"""How a service is, as JSON; never a secret."""

logger = logging.getLogger(__name__)


class Presence:
    """This process is there, for as long as the block lasts."""

    def __init__(self, broker: str, about: Facts, look: Callable[[], Facts]) -> None:
        """`about` is what does not change, `look` how it is; called by a thread."""
        self._broker = broker
        self._name = f"{_KEY}{socket.gethostname()}:{os.getpid()}"
        self._about = about
        self._look = look
        self._over = threading.Event()
        self._busy = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)

    def __enter__(self) -> None:
        # A process that forks while this thread holds somebody's lock would hold it for ever.
        os.register_at_fork(
            before=self._busy.acquire,
            after_in_parent=self._busy.release,
            after_in_child=self._busy.release,
        )
        self._thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join(_WAIT)

    def _run(self) -> None:
        facts, due = self._about, time.monotonic()
        while not self._over.is_set():
            with self._busy:
                self._tell(facts)
                if time.monotonic() >= due:
                    facts, due = {**self._about, **self._seen()}, time.monotonic() + LOOK
                    self._tell(facts)
            self._over.wait(EVERY)
        self._tell(None)

    def _seen(self) -> Facts:
        try:
            return self._look()
        except Exception as error:  # of whatever it looks at; it is there all the same
            logger.warning("a service does not know how it is", exc_info=error)
            return {}

    def _tell(self, facts: Facts | None) -> None:
        """A connection a time: one that stays would be taken for that which brings jobs."""
        import redis

        try:
            with redis.Redis.from_url(self._broker, **_waits()) as client:
                if facts is None:
                    client.delete(self._name)
                else:
                    client.set(self._name, json.dumps({**facts, "told": time.time()}), ex=GONE)
        except (redis.RedisError, OSError, ValueError) as error:
            logger.debug("nobody was told that a service is there", exc_info=error)


def present(broker: str) -> Sequence[Facts]:
    """All that have said lately that they are there. Raises NetworkError, EngineMissing."""
    try:
        import redis
    except ModuleNotFoundError as error:
        raise EngineMissing("celery", error.name) from error
    try:
        with redis.Redis.from_url(broker, decode_responses=True, **_waits()) as client:
            names = list(client.scan_iter(f"{_KEY}*", count=_MOST))[:_MOST]
            told = client.mget(names) if names else []
    except (redis.RedisError, OSError, ValueError) as error:
        raise NetworkError(f"Redis does not answer ({type(error).__name__}).") from error
    found = (_read(each) for each in told if each)
    return [each for each in found if each is not None]


def _read(text: str) -> Facts | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _waits() -> dict[str, Any]:
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return {
        "socket_timeout": _WAIT,
        "socket_connect_timeout": _WAIT,
        "retry": Retry(NoBackoff(), 0),  # it is asked again soon enough
    }
