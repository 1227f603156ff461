"""Who goes next: the urgent, then whoever was promised to be, and nobody never."""

from itertools import count

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from malgwi.scheduling import Lane
from malgwi.scheduling.waiting import SHARE, Account, Ticket, Waiting
from malgwi.stt import Piece
from malgwi.types import SAMPLE_RATE

LIVE, INTERACTIVE, BATCH = Lane


def sound(seconds: float, language: str = "en") -> Piece:
    return Piece(np.zeros(round(seconds * SAMPLE_RATE), np.float32), language)


def tickets(
    account: Account, pieces: int, *, now: float = 0.0, seconds: float = 5.0, language: str = "en"
) -> list[Ticket]:
    return [
        Ticket(sound(seconds, language), "transcribe", account, account.turn(now, seconds), now)
        for _ in range(pieces)
    ]


def queue(*groups: list[Ticket]) -> Waiting:
    waiting = Waiting(lambda each: each.piece.language)
    for group in groups:
        waiting.add(group)
    return waiting


def test_live_goes_before_interactive_and_interactive_before_batch() -> None:
    lanes = [BATCH, LIVE, INTERACTIVE]
    waiting = queue(*(tickets(Account(lane), 2) for lane in lanes))

    order = [waiting.take(1, now=0.0)[0].lane for _ in range(6)]

    assert order == [LIVE, LIVE, INTERACTIVE, INTERACTIVE, BATCH, BATCH]


def test_a_short_question_does_not_wait_for_a_long_recording_that_came_before() -> None:
    recording, question = Account(INTERACTIVE), Account(INTERACTIVE)
    waiting = queue(tickets(recording, 40), tickets(question, 1, now=1.0))

    first, second = waiting.take(1, now=1.0), waiting.take(1, now=1.0)

    assert [first[0].account, second[0].account] == [recording, question]


def test_what_is_said_in_one_breath_does_not_wait_behind_what_is_shorter() -> None:
    long, short = Account(INTERACTIVE), Account(INTERACTIVE)
    waiting = queue(tickets(short, 1, now=1.0, seconds=2.0), tickets(long, 1, seconds=15.0))

    assert waiting.take(1, now=1.0)[0].account is long


def test_two_requests_of_a_lane_take_turns() -> None:
    one, other = Account(INTERACTIVE), Account(INTERACTIVE)
    waiting = queue(tickets(one, 3), tickets(other, 3))

    order = [waiting.take(1, now=0.0)[0].account for _ in range(6)]

    assert order in ([one, other] * 3, [other, one] * 3)


def test_pieces_of_many_requests_share_a_batch() -> None:
    waiting = queue(*(tickets(Account(INTERACTIVE), 1) for _ in range(5)))

    batch = waiting.take(4, now=0.0)

    assert len({id(each.account) for each in batch}) == 4
    assert len(waiting) == 1


def test_only_what_is_alike_shares_a_batch() -> None:
    korean = tickets(Account(INTERACTIVE), 2, language="ko")
    waiting = queue(tickets(Account(INTERACTIVE), 2), korean)

    assert {each.piece.language for each in waiting.take(4, now=0.0)} == {"en"}
    assert waiting.take(4, now=0.0) == korean


def test_live_pieces_share_a_batch_with_live_pieces_only() -> None:
    waiting = queue(tickets(Account(BATCH), 3), tickets(Account(LIVE), 2))

    assert [each.lane for each in waiting.take(8, now=0.0)] == [LIVE, LIVE]


def test_a_batch_that_is_not_live_takes_along_who_is_less_urgent() -> None:
    waiting = queue(tickets(Account(BATCH), 3), tickets(Account(INTERACTIVE), 1))

    assert [each.lane for each in waiting.take(8, now=0.0)] == [INTERACTIVE, BATCH, BATCH, BATCH]


def test_what_is_overdue_gets_a_share_however_much_is_urgent() -> None:
    old = tickets(Account(BATCH), 3, now=0.0)
    waiting = queue(old, *(tickets(Account(LIVE), 1, now=500.0) for _ in range(40)))

    order = [waiting.take(1, now=500.0)[0].lane for _ in range(3 * SHARE)]

    assert order.count(BATCH) == 3
    assert order[: SHARE - 1] == [LIVE] * (SHARE - 1)


def test_a_flood_of_overdue_recordings_leaves_most_to_the_live() -> None:
    waiting = queue(tickets(Account(BATCH), 200), tickets(Account(LIVE), 30, now=9000.0))

    order = [waiting.take(1, now=9000.0)[0].lane for _ in range(40)]

    assert order.count(LIVE) == 30


def test_who_is_to_be_alone_is_alone() -> None:
    waiting = queue(tickets(Account(INTERACTIVE), 3))
    suspect = tickets(Account(INTERACTIVE), 1)
    suspect[0].alone = True
    waiting.add(suspect)

    sizes = [len(waiting.take(8, now=0.0)) for _ in range(2)]

    assert sorted(sizes) == [1, 3]


def test_a_request_that_is_gone_leaves_nothing_behind() -> None:
    gone, here = Account(INTERACTIVE), Account(INTERACTIVE)
    theirs = tickets(gone, 3)
    waiting = queue(theirs, tickets(here, 2))

    assert len(waiting.drop(theirs)) == 3
    assert {id(each.account) for each in waiting.take(8, now=0.0)} == {id(here)}


def test_how_long_the_wait_is_counts_what_goes_before() -> None:
    waiting = queue(tickets(Account(BATCH), 4), tickets(Account(LIVE), 1, now=3.0, seconds=2.0))

    assert waiting.seconds(LIVE) == 2.0
    assert waiting.seconds(BATCH) == 22.0
    assert (waiting.count(BATCH), waiting.oldest(BATCH)) == (4, 0.0)
    assert waiting.oldest(INTERACTIVE) is None


@given(st.lists(st.tuples(st.sampled_from(list(Lane)), st.sampled_from(["en", "ko"])), max_size=60))
def test_everybody_goes_once(wanted: list[tuple[Lane, str]]) -> None:
    everybody = [
        tickets(Account(lane), 1, now=float(number), language=language)[0]
        for number, (lane, language) in enumerate(wanted)
    ]
    waiting, gone, clock = queue(everybody), list[Ticket](), count(100)

    while len(waiting):
        gone += waiting.take(8, now=next(clock))

    assert sorted(map(id, gone)) == sorted(map(id, everybody))
