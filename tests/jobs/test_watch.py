"""Who is taken for dead, by the times at which their hearts were seen to beat."""

from datetime import UTC, datetime, timedelta

from malgwi.jobs.watch import Watch
from malgwi.types import Job, JobState, Lane

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def running(beat: float, attempt: int = 1) -> Job:
    return Job(
        id="1",
        kind="count",
        lane=Lane.BATCH,
        queue="batch",
        payload={},
        state=JobState.RUNNING,
        attempt=attempt,
        max_attempts=3,
        created=NOON,
        lease_until=NOON + timedelta(seconds=beat),
    )


def test_who_shows_no_heartbeat_for_a_lease_is_silent() -> None:
    watch = Watch(lease=10)
    job = running(0)

    assert watch.silent([job], 100) == []
    assert watch.silent([job], 109.9) == []
    assert watch.silent([job], 110) == [job]


def test_a_heartbeat_begins_a_new_lease() -> None:
    watch = Watch(lease=10)
    watch.silent([running(0)], 100)
    watch.silent([running(3)], 109)

    assert watch.silent([running(3)], 118) == []


def test_so_does_a_new_attempt() -> None:
    watch = Watch(lease=10)
    watch.silent([running(0)], 100)

    assert watch.silent([running(0, attempt=2)], 110) == []


def test_moments_that_are_long_past_or_far_off_say_nothing() -> None:
    watch = Watch(lease=10)

    for beat in (-86_400, 0, 86_400):
        assert watch.silent([running(beat)], 100) == []


def test_a_time_in_which_nothing_could_be_seen_does_not_count() -> None:
    watch = Watch(lease=10)
    watch.silent([running(0)], 100)
    watch.forget()

    assert watch.silent([running(0)], 115) == []
    assert watch.silent([running(0)], 125) == [running(0)]
