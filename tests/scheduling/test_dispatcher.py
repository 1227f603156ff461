"""Whatever happens to the process that has the model, everybody who asked gets an answer."""

import multiprocessing
import os
import resource
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Event
from typing import Any

import psutil
import pytest
from deadline import until
from scheduling.engines import (
    BREAKS,
    FATAL,
    FINE,
    HANGS,
    TOO_MUCH,
    broken,
    made,
    on_a_gpu,
    piece,
    silent,
    slow_to_load,
    stillborn,
)

from malgwi.errors import Cancelled, EngineFailed, EngineGone, ModelBroken, OutOfMemory
from malgwi.scheduling import Build, Lane, Unobserved
from malgwi.scheduling.dispatcher import Dispatcher
from malgwi.scheduling.waiting import Account
from malgwi.stt import Piece
from malgwi.types import Engine, written

LIVE, INTERACTIVE, BATCH = Lane


class Diary(Unobserved):
    """Writes down what it is told, which takes as long as `reading` is not set."""

    def __init__(self) -> None:
        self.reading = Event()
        self.reading.set()
        self.batches: list[list[Lane]] = []
        self.restarts = 0
        self.halvings: list[int] = []

    def batch_done(
        self, engine: Engine, pieces: Sequence[tuple[Lane, float, float]], seconds: float
    ) -> None:
        self.batches.append([lane for lane, _, _ in pieces])

    def loaded(self, engine: Engine, seconds: float) -> None:
        self.reading.wait(20)

    def restarted(self, engine: Engine) -> None:
        self.restarts += 1

    def halved(self, model: str, batch: int) -> None:
        self.halvings.append(batch)


@contextmanager
def dispatcher(
    build: Build, diary: Diary | None = None, patience: float = 60.0
) -> Iterator[Dispatcher]:
    made = Dispatcher("scripted", build, diary or Diary(), patience)
    try:
        yield made
    finally:
        made.close()


def ask(
    asked: Dispatcher, pieces: Sequence[Piece], lane: Lane = INTERACTIVE, stop: Event | None = None
) -> list[Any]:
    return asked.ask("transcribe", pieces, Account(lane), stop or Event())


def said(answers: Sequence[Any]) -> list[str]:
    return [written(each.words) for each in answers]


def test_the_answers_come_in_the_order_of_the_pieces_from_another_process() -> None:
    with dispatcher(made(batch=8)) as asked:
        answers = ask(asked, [piece(seconds=1.0), piece(0.0, seconds=2.0), piece(seconds=3.0)])

        pid = said(answers)[0].split()[1]

        assert [bool(each.words) for each in answers] == [True, False, True]
        assert int(pid) == asked.pid != os.getpid()


def test_pieces_of_several_requests_share_a_batch(tmp_path: Path) -> None:
    hold, diary = tmp_path / "hold", Diary()
    hold.touch()
    with dispatcher(made(batch=4, hold=hold), diary) as asked, ThreadPoolExecutor(5) as clients:
        first = clients.submit(ask, asked, [piece()])
        until(lambda: asked.waiting(INTERACTIVE)[0] == 0 and asked.loaded)
        others = [clients.submit(ask, asked, [piece()]) for _ in range(4)]
        until(lambda: asked.waiting(INTERACTIVE)[0] == 4)
        hold.unlink()

        first.result()
        together = [said(each.result())[0].split()[0] for each in others]

    assert together == ["4"] * 4
    assert [len(batch) for batch in diary.batches] == [1, 4]


def test_who_speaks_now_is_answered_before_a_long_recording(tmp_path: Path) -> None:
    hold, diary = tmp_path / "hold", Diary()
    hold.touch()
    with dispatcher(made(batch=2, hold=hold), diary) as asked, ThreadPoolExecutor(2) as clients:
        recording = clients.submit(ask, asked, [piece() for _ in range(8)], BATCH)
        until(lambda: asked.waiting(BATCH)[0] == 6)
        live = clients.submit(ask, asked, [piece()], LIVE)
        until(lambda: asked.waiting(LIVE)[0] == 1)
        hold.unlink()
        live.result()
        recording.result()

    assert [batch[0] for batch in diary.batches] == [BATCH, LIVE, BATCH, BATCH, BATCH]


def test_a_killed_process_costs_nobody_an_answer(tmp_path: Path) -> None:
    hold, diary = tmp_path / "hold", Diary()
    hold.touch()
    with dispatcher(made(batch=2, hold=hold), diary) as asked, ThreadPoolExecutor(8) as clients:
        waiting = [clients.submit(ask, asked, [piece()]) for _ in range(8)]
        until(lambda: asked.waiting(INTERACTIVE)[0] == 6)
        assert asked.pid
        os.kill(asked.pid, signal.SIGKILL)
        hold.unlink()

        answers = [said(each.result(timeout=20)) for each in waiting]

    assert len(answers) == 8 and all(answers)
    assert diary.restarts == 1


def test_a_piece_that_ends_the_process_once_is_tried_again(tmp_path: Path) -> None:
    with dispatcher(made(struck=tmp_path / "struck")) as asked:
        assert len(ask(asked, [piece(FATAL)])) == 1


@pytest.mark.slow
def test_a_piece_that_always_ends_the_process_is_given_up_and_the_others_are_not() -> None:
    diary = Diary()
    with dispatcher(made(batch=3), diary) as asked, ThreadPoolExecutor(3) as clients:
        fine = [clients.submit(ask, asked, [piece(FINE)]) for _ in range(2)]
        fatal = clients.submit(ask, asked, [piece(FATAL)])

        with pytest.raises(EngineGone, match="killed"):
            fatal.result(timeout=30)
        assert [len(each.result(timeout=30)) for each in fine] == [1, 1]
        assert len(ask(asked, [piece(FINE)])) == 1

    assert diary.restarts == 2


def test_a_piece_that_breaks_the_engine_does_not_break_those_beside_it(tmp_path: Path) -> None:
    hold = tmp_path / "hold"
    hold.touch()
    with dispatcher(made(batch=4, hold=hold)) as asked, ThreadPoolExecutor(4) as clients:
        first = clients.submit(ask, asked, [piece()])
        until(lambda: asked.loaded and asked.waiting(INTERACTIVE)[0] == 0)
        fine = clients.submit(ask, asked, [piece(FINE)])
        breaks = clients.submit(ask, asked, [piece(BREAKS)])
        until(lambda: asked.waiting(INTERACTIVE)[0] == 2)
        hold.unlink()

        with pytest.raises(EngineFailed, match="broke"):
            breaks.result(timeout=20)
        assert len(fine.result(timeout=20)) == len(first.result()) == 1


def test_where_memory_runs_out_batches_are_halved_and_it_goes_on() -> None:
    diary = Diary()
    with dispatcher(made(batch=8), diary) as asked:
        answers = ask(asked, [piece(TOO_MUCH) for _ in range(8)])

    assert [text.split()[0] for text in said(answers)] == ["1"] * 8
    assert diary.halvings == [4, 2, 1]


def test_a_piece_that_does_not_fit_alone_is_refused(tmp_path: Path) -> None:
    def too_much(asked: Dispatcher) -> None:
        ask(asked, [piece(TOO_MUCH)])

    with dispatcher(made(batch=8)) as asked:
        too_much(asked)  # alone it fits
        with pytest.raises(OutOfMemory):
            asked.ask("transcribe", [piece(0.6)], Account(LIVE), Event())


@pytest.mark.slow
def test_a_hung_process_is_ended_and_its_work_done_by_another(tmp_path: Path) -> None:
    diary = Diary()
    with dispatcher(made(struck=tmp_path / "struck"), diary, patience=2.0) as asked:
        answers = ask(asked, [piece(HANGS)])

    assert len(answers) == 1
    assert diary.restarts == 1


@pytest.mark.slow
def test_a_process_that_hangs_before_a_long_piece_holds_nobody_up() -> None:
    with (
        dispatcher(made(), diary := Diary(), patience=2.0) as asked,
        ThreadPoolExecutor(1) as one,
    ):
        ask(asked, [piece()])
        assert asked.pid
        os.kill(asked.pid, signal.SIGSTOP)

        long = one.submit(ask, asked, [piece(seconds=28.0)])  # more than a pipe holds
        until(lambda: asked.idle is None and asked.waiting(INTERACTIVE)[0] == 0)

        assert len(long.result(timeout=20)) == 1
        assert diary.restarts == 1


@pytest.mark.slow
def test_what_hung_is_not_said_to_have_been_killed_by_the_system() -> None:
    with (
        dispatcher(made(), patience=0.5) as asked,
        pytest.raises(EngineGone, match="hung and was ended"),
    ):
        ask(asked, [piece(HANGS)])


def test_on_a_gpu_memory_that_runs_out_costs_no_process() -> None:
    diary = Diary()
    with dispatcher(partial(on_a_gpu, batch=8), diary) as asked:
        answers = ask(asked, [piece(TOO_MUCH) for _ in range(8)])

    assert [text.split()[0] for text in said(answers)] == ["1"] * 8
    assert (diary.halvings, diary.restarts) == ([4, 2, 1], 0)


def test_what_broke_on_a_gpu_is_tried_again_by_another_process(tmp_path: Path) -> None:
    diary = Diary()
    with dispatcher(partial(on_a_gpu, struck=tmp_path / "struck"), diary) as asked:
        answers = ask(asked, [piece(BREAKS), piece(FINE), piece(FINE), piece(FINE)])

    assert len(answers) == 4
    assert diary.restarts == 1


def test_an_engine_that_leaves_pieces_unanswered_has_failed() -> None:
    with dispatcher(silent) as asked, pytest.raises(EngineFailed, match="unanswered"):
        ask(asked, [piece()])


def test_where_no_process_can_be_started_that_is_said_and_nobody_hangs() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with dispatcher(made()) as asked:
        ask(asked, [piece()])
        asked.unload()
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
        try:
            with pytest.raises(EngineGone, match="Too many open files"):
                ask(asked, [piece()])
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        with pytest.raises(EngineGone, match="Too many open files"):
            asked.load(Event())


def workers() -> list[BaseProcess]:
    return [each for each in multiprocessing.active_children() if each.name == "malgwi-worker"]


def test_closing_does_not_wait_for_a_model_to_load() -> None:
    with dispatcher(partial(slow_to_load, seconds=60.0)) as asked:
        asked.preload()
        until(workers)
        began = time.monotonic()

    assert time.monotonic() - began < 10
    assert not workers()


def test_who_waits_for_a_model_gets_it_though_it_is_unloaded_meanwhile() -> None:
    diary = Diary()
    with dispatcher(made(), diary) as asked, ThreadPoolExecutor(1) as one:
        diary.reading.clear()
        asked.load(Event())
        assert asked.unload()
        again = one.submit(asked.load, Event())
        until(lambda: asked.loading)

        assert not asked.unload()

        diary.reading.set()
        assert again.result(timeout=20)[0].model == "scripted"


@pytest.mark.slow
def test_after_three_processes_in_a_row_it_is_said_to_be_hopeless() -> None:
    with dispatcher(made(batch=1)) as asked:
        with pytest.raises(EngineGone):
            ask(asked, [piece(FATAL)])
        assert asked.hopeless is None
        with pytest.raises(EngineGone):
            ask(asked, [piece(FATAL)])

        assert asked.hopeless and "3 processes in a row" in asked.hopeless
        with pytest.raises(EngineGone, match="3 processes in a row"):
            ask(asked, [piece(FINE)])


def test_what_is_called_off_leaves_the_queue(tmp_path: Path) -> None:
    hold, stop = tmp_path / "hold", Event()
    hold.touch()
    with dispatcher(made(batch=1, hold=hold)) as asked, ThreadPoolExecutor(2) as clients:
        gone = clients.submit(ask, asked, [piece() for _ in range(5)], BATCH, stop)
        until(lambda: asked.waiting(BATCH)[0] == 4)

        stop.set()

        with pytest.raises(Cancelled):
            gone.result(timeout=20)
        assert asked.waiting(BATCH)[0] == 0
        hold.unlink()
        assert len(ask(asked, [piece()])) == 1


@pytest.mark.slow
def test_a_process_that_dies_while_it_loads_is_followed_by_one_that_knows() -> None:
    with dispatcher(partial(stillborn, deaths=2)) as asked:
        [answer] = said(ask(asked, [piece()]))

    assert answer.startswith("way 0 (it was killed")
    assert "way 1 (it was killed" in answer


def test_a_model_that_cannot_be_loaded_is_said_to_whoever_asks() -> None:
    with dispatcher(broken) as asked:
        for _ in range(2):
            with pytest.raises(ModelBroken, match="damaged"):
                asked.load(Event())
        with pytest.raises(ModelBroken, match="damaged"):
            ask(asked, [piece()])


def test_unloading_ends_the_process_and_the_next_request_loads_again() -> None:
    with dispatcher(made()) as asked:
        ask(asked, [piece()])
        before = asked.pid

        assert asked.unload()

        assert before and not psutil.pid_exists(before)
        assert (asked.loaded, asked.pid, asked.memory) == (False, None, None)
        assert len(ask(asked, [piece()])) == 1
        assert asked.pid != before


def test_what_is_at_work_is_not_unloaded(tmp_path: Path) -> None:
    hold = tmp_path / "hold"
    hold.touch()
    with dispatcher(made(hold=hold)) as asked, ThreadPoolExecutor(1) as clients:
        answer = clients.submit(ask, asked, [piece()])
        until(lambda: asked.loaded)

        assert not asked.unload()

        hold.unlink()
        assert len(answer.result(timeout=20)) == 1


def test_closing_answers_everybody_and_leaves_neither_process_nor_thread(tmp_path: Path) -> None:
    hold = tmp_path / "hold"
    hold.touch()
    with ThreadPoolExecutor(3) as clients:
        with dispatcher(made(batch=1, hold=hold)) as asked:
            waiting = [clients.submit(ask, asked, [piece()]) for _ in range(3)]
            until(lambda: asked.loaded and asked.waiting(INTERACTIVE)[0] == 2)
            pid = asked.pid

        for each in waiting:
            with pytest.raises(EngineGone, match="shutting down"):
                each.result(timeout=20)
    assert pid and not psutil.pid_exists(pid)
    assert not [each for each in threading.enumerate() if each.name.startswith("dispatch")]


def test_the_canary_sings_or_is_said_to_be_dead(tmp_path: Path) -> None:
    hold = tmp_path / "hold"
    with dispatcher(made(hold=hold)) as asked:
        assert asked.canary(piece(), budget=20.0).words

        hold.touch()
        with pytest.raises(EngineGone, match="canary"):
            asked.canary(piece(), budget=0.2)
        hold.unlink()


@pytest.mark.slow
def test_the_wait_is_told_from_what_was_measured(tmp_path: Path) -> None:
    hold = tmp_path / "hold"
    with dispatcher(made(batch=1, seconds=0.1, hold=hold)) as asked, ThreadPoolExecutor(1) as one:
        ask(asked, [piece(seconds=4.0) for _ in range(4)])
        hold.touch()
        answer = one.submit(ask, asked, [piece(seconds=4.0) for _ in range(11)], BATCH)
        until(lambda: asked.waiting(BATCH)[0] == 10)

        assert 0.5 < asked.wait(BATCH) < 4.0
        assert asked.wait(LIVE) == 0.0

        hold.unlink()
        answer.result(timeout=20)
