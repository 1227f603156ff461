"""CLOCK: whether this machine's clock is right, and the same as that of the others."""

import time
from email.utils import parsedate_to_datetime
from pathlib import Path

from malgwi.ops.doctor.base import Found, check, fail, ok, skip, warn
from malgwi.ops.doctor.database import seen
from malgwi.ops.doctor.services import service
from malgwi.ops.doctor.subject import Subject

_APART = 2.0  # seconds; leases and sessions bear that
_FAR_APART = 30.0  # twice the lease of a job


@check(
    "CLOCK-001",
    looks="Is the clock kept right by somebody?",
    why="Channels and recordings are put on one clock; one that drifts puts them out of order.",
    mend="Without the internet: point chrony at a clock of the house (server HOST iburst). Else: "
    "timedatectl set-ntp true.",
)
def kept(subject: Subject) -> Found:
    said = subject.machine.run("timedatectl", "show", "--property=NTPSynchronized", "--value")
    if said is not None and said.code == 0 and said.out.strip() in ("yes", "no"):
        if said.out.strip() == "no":
            return warn(
                "Nothing keeps the clock right.", evidence="timedatectl: NTPSynchronized=no"
            )
        return ok("It is kept right.")
    said = subject.machine.run("chronyc", "-n", "tracking")
    if said is not None and said.code == 0:
        if "Not synchronised" in said.out:
            return warn("Nothing keeps the clock right.", evidence="chronyc: Not synchronised")
        return ok("It is kept right, by chrony.")
    return skip("Neither timedatectl nor chronyc can be asked here; in a container ask the host.")


@check(
    "CLOCK-002",
    looks="Is the clock one that can be right?",
    why="After a flat battery it begins in 1970: certificates, sessions and leases are off.",
    mend="Set it: date -s '2026-03-01 09:30:00', then hwclock --systohc.",
)
def possible(subject: Subject) -> Found:
    made = Path(__file__).stat().st_mtime
    now = subject.machine.now()
    if now < made - 86_400:
        said = f"it is {_day(now)}, and this program was installed on {_day(made)}"
        return fail("The clock is before the installation of this program.", evidence=said)
    return ok(f"It says {_day(now)}.")


@check(
    "CLOCK-003",
    looks="Is the clock the database's?",
    why="Jobs are leased by the database's clock, and shown by this one.",
    mend="Let both machines keep their clocks by the same server: chronyc sources.",
    seconds=4.0,
)
def of_database(subject: Subject) -> Found:
    looked = seen(subject)
    if looked.condition.clock is None:
        return skip("The database is a file of this machine.")
    return _apart(looked.at - looked.condition.clock.timestamp(), "the database")


@check(
    "CLOCK-004",
    looks="Is the clock that of the service?",
    why="What is sent with a time of this machine is kept by the time of that one.",
    mend="Let both machines keep their clocks by the same server: chronyc sources.",
)
def of_service(subject: Subject) -> Found:
    served = subject.once(service)
    if served is None:
        return skip("No service answers at MALGWI_CLIENT__ADDRESS.")
    try:
        theirs = parsedate_to_datetime(served.answer.headers.get("date", "")).timestamp()
    except (TypeError, ValueError):
        return skip("The service does not tell the time.")
    return _apart(served.at - theirs, "the service")


def _apart(ahead: float, whose: str) -> Found:
    apart = abs(ahead)
    said = f"{apart:,.0f} s apart from that of {whose}"
    if apart > _FAR_APART:
        return fail("The clocks are far apart.", evidence=said)
    if apart > _APART:
        return warn("The clocks are apart.", evidence=said)
    return ok(f"It is {said}.")


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


CHECKS = (kept, possible, of_database, of_service)
