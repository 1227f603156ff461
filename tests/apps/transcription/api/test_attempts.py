import pytest

from malgwi.apps.transcription.api.attempts import FREE_OF_ADDRESS, FREE_OF_NAME, LONGEST, Attempts
from malgwi.gateway import Refusal


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def wait_of(attempts: Attempts, name: str | None, address: str) -> int:
    """Seconds that one has to wait; 0 where one may try, and failed."""
    try:
        attempts.begin(name, address)
    except Refusal as refusal:
        assert refusal.answer.retry_after is not None
        return refusal.answer.retry_after
    return 0


def test_each_further_guess_for_a_name_waits_twice_as_long_up_to_a_bound() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for number in range(FREE_OF_NAME):
        assert wait_of(attempts, "anna", f"10.0.0.{number}") == 0

    waits = []
    for number in range(12):
        waits.append(wait_of(attempts, "ANNA", f"10.0.1.{number}"))
        clock.now += waits[-1]
        assert wait_of(attempts, "anna", f"10.0.2.{number}") == 0

    assert waits[:5] == [1, 2, 4, 8, 16]
    assert waits[-1] == LONGEST
    assert wait_of(attempts, "bert", "10.0.0.1") == 0


def test_guesses_of_many_names_from_one_network_wait() -> None:
    attempts = Attempts(Clock())
    for number in range(FREE_OF_ADDRESS):
        assert wait_of(attempts, f"user {number}", f"2001:db8::{number}") == 0

    assert wait_of(attempts, "another", "2001:db8::ffff") > 0
    assert wait_of(attempts, "another", "2001:db8:0:1::1") == 0
    assert wait_of(attempts, None, "2001:db8::1") > 0


def test_who_signs_in_has_not_failed_and_others_of_the_address_have() -> None:
    attempts = Attempts(Clock())
    for _ in range(FREE_OF_ADDRESS * 2):
        assert wait_of(attempts, "anna", "10.0.0.1") == 0
        attempts.succeeded("anna", "10.0.0.1")
    for number in range(FREE_OF_ADDRESS):
        assert wait_of(attempts, f"user {number}", "10.0.0.1") == 0

    assert wait_of(attempts, "anna", "10.0.0.1") > 0


def test_what_was_long_ago_is_forgotten() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(FREE_OF_NAME):
        wait_of(attempts, "anna", "10.0.0.1")

    clock.now += 3601

    for _ in range(FREE_OF_NAME):
        assert wait_of(attempts, "anna", "10.0.0.1") == 0


def test_no_more_is_remembered_than_fits() -> None:
    attempts = Attempts(Clock(), most=FREE_OF_NAME)
    for _ in range(FREE_OF_NAME):
        wait_of(attempts, "anna", "10.0.0.1")
    for number in range(FREE_OF_NAME - 1):
        wait_of(attempts, f"user {number}", "10.0.0.2")
    assert wait_of(attempts, "anna", "10.0.0.3") > 0

    wait_of(attempts, "one too many", "10.0.0.2")

    assert wait_of(attempts, "anna", "10.0.0.3") == 0


@pytest.mark.parametrize("address", ["", "testclient", "fe80::1%eth0", "::ffff:10.0.0.1"])
def test_any_address_can_be_counted(address: str) -> None:
    assert wait_of(Attempts(), "anna", address) == 0
