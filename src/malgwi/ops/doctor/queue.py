"""QUEUE: Redis, which tells workers of jobs, and the jobs that wait."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from malgwi.devices import numbers
from malgwi.errors import EngineMissing
from malgwi.ops.doctor.base import Found, NotThere, State, check, fail, ok, size, skip, warn
from malgwi.ops.doctor.database import seen
from malgwi.ops.doctor.subject import Subject
from malgwi.types import JobState

_OLDEST = (6, 2)
_WAIT = 1.0
_LONG = 3600.0  # seconds that a job may wait
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Broker:
    """What Redis says of itself."""

    info: Mapping[str, Any]
    settings: Mapping[str, str]
    """Empty where it does not tell them."""
    open: bool
    """Whether it lets in who has no password."""
    local: bool


def broker(subject: Subject) -> Broker:
    """Raises NotThere where none is used, redis.RedisError where it does not answer."""
    jobs = subject.config.jobs
    if jobs.queue != "celery" or jobs.broker is None:
        raise NotThere("Jobs are done in the service itself; no Redis is used.")
    try:
        import redis
    except ModuleNotFoundError as error:
        raise NotThere(str(EngineMissing("celery", error.name))) from error
    address = jobs.broker.get_secret_value()
    waits: dict[str, Any] = {"socket_timeout": _WAIT, "socket_connect_timeout": _WAIT}
    with redis.Redis.from_url(address, decode_responses=True, **waits) as client:
        info: Mapping[str, Any] = client.info()
        try:
            settings: Mapping[str, str] = client.config_get("maxmemory-policy", "appendonly")
        except redis.RedisError:
            settings = {}
    parts = urlsplit(address)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    with redis.Redis.from_url(bare, **waits) as client:
        try:
            is_open = bool(client.ping())
        except redis.RedisError:
            is_open = False
    return Broker(info, settings, is_open, parts.hostname in (*_LOOPBACK, None))


def _seen(subject: Subject) -> Broker:
    """Raises NotThere."""
    try:
        return subject.once(broker)
    except NotThere:
        raise
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "redis":
            raise
        raise NotThere("Redis does not answer; QUEUE-001 says why.") from error


@check(
    "QUEUE-001",
    looks="Does the broker of the jobs answer?",
    why="Without it workers hear of jobs late, from the reaper, or not at all.",
    mend="Start Redis, and check MALGWI_JOBS__BROKER: redis://:PASSWORD@HOST:6379/0.",
)
def answers(subject: Subject) -> Found:
    jobs = subject.config.jobs
    if jobs.queue == "celery" and jobs.broker is None:
        return fail("MALGWI_JOBS__QUEUE is celery, and no broker is named.")
    try:
        found = subject.once(broker)
    except NotThere as error:
        missing = jobs.queue == "celery"
        return fail(str(error)) if missing else skip(str(error))
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "redis":
            raise
        if "Auth" in type(error).__name__ or "NOAUTH" in str(error):
            return fail("Redis wants another password, or any.", evidence=type(error).__name__)
        return fail("Redis does not answer.", evidence=type(error).__name__)
    return ok(f"Redis {found.info.get('redis_version', '')} answers.")


@check(
    "QUEUE-002",
    looks="Does Redis ask for a password?",
    why="Who reaches a Redis without one can run what they like on the machine.",
    mend="Set requirepass, and the password in MALGWI_JOBS__BROKER: "
    "redis://:PASSWORD@HOST:6379/0. Publish no port of it.",
)
def password(subject: Subject) -> Found:
    found = _seen(subject)
    if not found.open:
        return ok("It does.")
    state = warn if found.local else fail
    where = "on this machine" if found.local else "across the network"
    return state("Redis lets in whoever reaches it.", evidence=f"PING without a password, {where}")


@check(
    "QUEUE-003",
    looks="Does Redis keep what it was given when its memory is full?",
    why="With another policy than noeviction it throws away ids of jobs, without a word.",
    mend="Run: redis-cli CONFIG SET maxmemory-policy noeviction; and set it in redis.conf.",
)
def eviction(subject: Subject) -> Found:
    policy = _seen(subject).settings.get("maxmemory-policy")
    if policy is None:
        return skip("Redis does not tell its settings.")
    if policy != "noeviction":
        return fail(
            "Redis throws away jobs when its memory is full.", evidence=f"maxmemory-policy {policy}"
        )
    return ok("It does: noeviction.")


@check(
    "QUEUE-004",
    looks="Does Redis write down what it was given?",
    why="Without it a restart forgets all ids, and jobs wait until the reaper sends them again.",
    mend="Run: redis-cli CONFIG SET appendonly yes; and set it in redis.conf.",
)
def durable(subject: Subject) -> Found:
    written = _seen(subject).settings.get("appendonly")
    if written is None:
        return skip("Redis does not tell its settings.")
    if written != "yes":
        return warn(
            "Redis forgets everything when it is restarted.", evidence=f"appendonly {written}"
        )
    return ok("It does: appendonly.")


@check(
    "QUEUE-005",
    looks="Is Redis a version and has it the memory that are needed?",
    why="Below 6.2 commands are missing; at its bound it takes no more jobs.",
    mend="Use redis:7. Raise maxmemory; ids are small, so see who else uses it.",
)
def room(subject: Subject) -> Found:
    info = _seen(subject).info
    version, used = str(info.get("redis_version", "0")), int(info.get("used_memory", 0))
    most = int(info.get("maxmemory", 0))
    if numbers(version) < _OLDEST:
        return warn("Redis is old.", evidence=version)
    if most and used > most * 0.9:
        return warn("Redis is nearly full.", evidence=f"{size(used)} of {size(most)}")
    return ok(f"Redis {version}, {size(used)} used.")


@check(
    "QUEUE-006",
    looks="Were jobs given up?",
    why="A dead job has failed as often as it may; nobody tries it again unasked.",
    mend="See why: malgwi jobs --state dead. Mend it, then: malgwi jobs ID --retry.",
    seconds=4.0,
)
def dead(subject: Subject) -> Found:
    jobs = seen(subject).condition.jobs
    if count := sum(each.jobs for each in jobs if each.state is JobState.DEAD):
        return warn(f"{count} jobs were given up.", evidence="state dead")
    return ok("None was.")


@check(
    "QUEUE-007",
    looks="Do jobs wait for long?",
    why="Where none is taken up there is no worker, or it does nothing.",
    mend="Is a worker running (malgwi worker, or malgwi serve without Celery), and the reaper? "
    "Its log says what it does.",
    seconds=4.0,
)
def waiting(subject: Subject) -> Found:
    found = seen(subject)
    wait = (JobState.WAITING, JobState.QUEUED)
    jobs = [each for each in found.condition.jobs if each.state in wait]
    if not jobs:
        return ok("None waits.")
    count = sum(each.jobs for each in jobs)
    hours = (found.at - min(each.oldest for each in jobs).timestamp()) / 3600
    state = State.WARN if hours * 3600 > _LONG else State.OK
    return Found(state, f"{count} jobs wait.", f"the oldest for {hours:.1f} h")


CHECKS = (answers, password, eviction, durable, room, dead, waiting)
