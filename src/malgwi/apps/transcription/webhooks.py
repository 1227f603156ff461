"""Telling others what happened: what waits in the outbox goes out, signed, until it has arrived.

At least once: whoever is told twice knows it by the id. An address that does not answer holds up
nobody but itself. Addresses of this machine and its network are asked only where the operator has
listed them; the rules on addresses are those of `gateway/targets.py`.
"""

import hmac
import json
import logging
import random
import time
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from http.client import HTTPException
from threading import Event

from malgwi.errors import MalgwiError, NetworkRefused
from malgwi.gateway.targets import Target, addresses, connected, read_target
from malgwi.store import Outbox, Outgoing

ATTEMPTS = 10
PAUSES = tuple(10.0 * 3**number for number in range(ATTEMPTS - 1))
"""Seconds before each further attempt: 10 s, 30 s, and so on to 18 h; 27 h in all."""
SIGNATURE, DELIVERY, EVENT = "Malgwi-Signature", "Malgwi-Delivery", "Malgwi-Event"
_WITHIN = 10.0  # seconds that an attempt may take
_SPREAD = 0.1  # of a pause, so that all that failed together does not come back together
_AT_ONCE = 8
_LOOK = 1.0  # seconds between two looks for what is due
_SWEEP = 3600.0
_REMEDY = "The operator can list it in MALGWI_SERVE__WEBHOOK_HOSTS."

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom one may tell."""

    hosts: Collection[str] = ()
    """Names or addresses, or either with a port, that the operator has listed: they may be of this
    machine or its network."""
    offline: bool = False
    """Nobody but those."""

    def check(self, url: str) -> None:
        """Raises BadOption and NetworkRefused for an address that will not be asked. A name that
        leads nowhere passes: it may lead somewhere when there is something to tell."""
        target = read_target(url)
        with suppress(OSError):
            self.addresses(target)

    def addresses(self, target: Target) -> list[str]:
        """Raises BadOption, NetworkRefused, and OSError where there are none."""
        listed = target.is_among(self.hosts)
        if self.offline and not listed:
            raise NetworkRefused("a webhook", _REMEDY)
        return addresses(target, private=listed, remedy=_REMEDY)


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """Of the moment and the body, so that nobody can send an old one once more."""
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, sha256)
    return f"t={timestamp},v1={signed.hexdigest()}"


def body_of(outgoing: Outgoing) -> bytes:
    """The same at every attempt."""
    delivery = outgoing.delivery
    said = {"id": delivery.id, "event": delivery.event.value, **delivery.payload}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Sender:
    """Any number of them, in any process, share an outbox."""

    outbox: Outbox
    reach: Reach = field(default_factory=Reach)
    pauses: tuple[float, ...] = PAUSES
    """Seconds before each further attempt."""
    within: float = _WITHIN
    """Seconds that an attempt may take."""

    def run(self, stop: Event) -> None:
        """Until `stop` is set; what is under way then is ended first."""
        swept = time.monotonic() - _SWEEP
        while not stop.is_set():
            try:
                self.send_due(stop)
                if time.monotonic() - swept > _SWEEP:
                    self.outbox.sweep()
                    swept = time.monotonic()
            except Exception:  # as where the database has gone
                logger.warning("no webhooks were sent; there is another look", exc_info=True)
            stop.wait(_LOOK)

    def send_due(self, stop: Event | None = None) -> int:
        """Sends until nothing is due any more. How many attempts."""
        stop, attempts = stop or Event(), 0
        under_way: dict[Future[None], str] = {}
        with ThreadPoolExecutor(_AT_ONCE, "webhook") as pool:
            while True:
                free = 0 if stop.is_set() else _AT_ONCE - len(under_way)
                taken = self._take(free, set(under_way.values())) if free else ()
                for each in taken:
                    under_way[pool.submit(self._send, each)] = each.delivery.webhook_id
                if not under_way:
                    return attempts
                done, _ = wait(under_way, _LOOK, FIRST_COMPLETED)
                for future in done:
                    del under_way[future]
                    future.result()
                attempts += len(done)

    def _take(self, most: int, besides: Collection[str]) -> Collection[Outgoing]:
        # Whoever holds it longer than this has died.
        return self.outbox.take(most, lease=self.within * 6 + 60, besides=besides)

    def _send(self, outgoing: Outgoing) -> None:
        delivery = outgoing.delivery
        facts = {"delivery": delivery.id, "webhook": delivery.webhook_id, "event": delivery.event}
        fault = self._fault(outgoing)
        if fault is None:
            self.outbox.delivered(outgoing)
            logger.info("webhook delivered", extra=facts)
            return
        again_in = self._again_in(delivery.attempts)
        self.outbox.failed(outgoing, fault, again_in)
        said = "webhook failed" if again_in is not None else "webhook given up"
        logger.warning(
            said, extra={**facts, "attempt": delivery.attempts, "reason": fault, "again": again_in}
        )

    def _again_in(self, attempts: int) -> float | None:
        if attempts > len(self.pauses):
            return None
        pause = self.pauses[attempts - 1]
        return pause * random.uniform(1 - _SPREAD, 1 + _SPREAD)

    def _fault(self, outgoing: Outgoing) -> str | None:
        """Why it did not arrive, as a sentence; None where it did."""
        try:
            status = self._post(outgoing)
        except MalgwiError as error:
            return str(error)
        except TimeoutError:
            return f"It did not answer within {self.within:g} s."
        except (OSError, HTTPException, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else None
            return f"It cannot be reached: {reason or type(error).__name__}."
        if 200 <= status < 300:
            return None
        if 300 <= status < 400:
            return f"It answered {status}, and redirects are not followed. Give the last address."
        return f"It answered {status}."

    def _post(self, outgoing: Outgoing) -> int:
        target = read_target(outgoing.url)
        body = body_of(outgoing)
        headers = {
            "Host": target.names[0],
            "User-Agent": "malgwi",
            "Content-Type": "application/json",
            DELIVERY: outgoing.delivery.id,
            EVENT: outgoing.delivery.event.value,
            SIGNATURE: signature(outgoing.secret, int(time.time()), body),
        }
        to = self.reach.addresses(target)
        with connected(target, to, patience=self.within, within=self.within) as line:
            line.request("POST", target.path, body=body, headers=headers)
            return line.getresponse().status
