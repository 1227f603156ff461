"""Models come when they are asked for, go when nobody asks, and stay within their memory."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Barrier, Event, Thread

import psutil
import pytest
from deadline import until
from scheduling.engines import hoarder, made, piece

from malgwi.errors import Cancelled, EngineGone, ModelMissing, Overloaded
from malgwi.scheduling import Build, Lane, ModelFleet, Plan
from malgwi.types import written

MODELS = ("whisper-base", "whisper-small", "whisper-tiny")
MEGABYTE = 2**20


def builder(**options: object) -> Callable[[str], Build]:
    return lambda _: made(**options)


@contextmanager
def fleet(
    build: Callable[[str], Build] | None = None,
    installed: Sequence[str] = MODELS,
    **bounds: object,
) -> Iterator[ModelFleet]:
    plan = Plan(
        "whisper-base",
        lambda: installed,
        build or builder(),
        lambda _: 150 * MEGABYTE,
        {"whisper-1": "whisper-base"},
        **bounds,  # type: ignore[arg-type]
    )
    made = ModelFleet(plan)
    try:
        yield made
    finally:
        made.close()


def pid_of(models: ModelFleet, name: str) -> int:
    [pid] = [each.pid for each in models.dispatchers() if each.model == name]
    assert pid
    return pid


def loaded(models: ModelFleet) -> set[str]:
    return {each.name for each in models.models() if each.loaded}


def use(models: ModelFleet, name: str) -> str:
    engine = models.transcriber(name, Lane.INTERACTIVE, Event())
    return written(engine.transcribe([piece()])[0].words)


def test_nothing_is_loaded_before_it_is_asked_for() -> None:
    with fleet() as models:
        assert [each.name for each in models.models()] == list(MODELS)
        assert loaded(models) == set()

        use(models, "whisper-small")

        assert loaded(models) == {"whisper-small"}


def test_what_is_to_be_there_from_the_start_is_loaded_without_being_asked_for() -> None:
    with fleet(preload=["whisper-1"]) as models:
        until(lambda: loaded(models) == {"whisper-base"})


@pytest.fixture(scope="module")
def loading() -> Iterator[ModelFleet]:
    """One for all names: each model is loaded once."""
    with fleet() as models:
        yield models


@pytest.mark.parametrize(
    ("asked", "got"),
    [
        ("", "whisper-base"),
        ("whisper-1", "whisper-base"),
        ("whisper-small", "whisper-small"),
        ("small", "whisper-small"),
        ("Systran/faster-whisper-small", "whisper-small"),
        ("openai/whisper-tiny", "whisper-tiny"),
        ("ggml-small.bin", "whisper-small"),
    ],
)
def test_a_model_answers_to_the_names_it_has_elsewhere(
    loading: ModelFleet, asked: str, got: str
) -> None:
    assert loading.load(asked).name == got


@pytest.mark.parametrize("asked", ["whisper-huge", "../../etc/passwd", "whisper-1/..", "모델"])
def test_a_model_that_is_not_here_is_refused_with_those_that_are(asked: str) -> None:
    with fleet() as models, pytest.raises(ModelMissing, match=r"whisper-tiny.*whisper-1"):
        models.load(asked)


@pytest.mark.slow
def test_an_idle_model_goes_with_its_process_and_comes_back_when_asked_for() -> None:
    with fleet(idle=0.2) as models:
        pid = int(use(models, "whisper-base").split()[1])

        until(lambda: not loaded(models))

        until(lambda: not psutil.pid_exists(pid))
        assert int(use(models, "whisper-base").split()[1]) != pid


@pytest.mark.slow
def test_the_memory_of_a_model_really_comes_back() -> None:
    with fleet(lambda _: partial(hoarder, megabytes=300)) as models:
        before = psutil.Process().memory_info().rss
        state = models.load("whisper-base")
        assert state.memory and state.memory > 300 * MEGABYTE

        models.unload("whisper-base")

        assert psutil.Process().memory_info().rss - before < 50 * MEGABYTE
        assert models.models()[0].memory is None


@pytest.mark.slow
def test_for_a_new_model_the_one_that_was_idle_longest_makes_room() -> None:
    with fleet(lambda _: partial(hoarder, megabytes=100), memory=400 * MEGABYTE) as models:
        for name in ("whisper-base", "whisper-small"):
            models.load(name)
        use(models, "whisper-base")

        models.load("whisper-tiny")

        assert loaded(models) == {"whisper-base", "whisper-tiny"}


def test_of_models_asked_for_at_the_same_time_only_those_are_loaded_that_there_is_room_for() -> (
    None
):
    def load(name: str) -> str:
        start.wait(20)
        try:
            return models.load(name).name
        except Overloaded:
            return "turned back"

    start = Barrier(len(MODELS))
    with fleet(memory=200 * MEGABYTE) as models, ThreadPoolExecutor(len(MODELS)) as clients:
        answers = sorted(clients.map(load, MODELS))

        assert answers[:2] == ["turned back"] * 2
        assert loaded(models) == {answers[2]}


def test_a_model_at_work_makes_no_room_and_the_newcomer_is_told_to_wait(tmp_path: Path) -> None:
    hold = tmp_path / "hold"
    with fleet(builder(hold=hold), memory=160 * MEGABYTE) as models:
        models.load("whisper-base")
        hold.touch()
        at_work = Thread(target=use, args=(models, "whisper-base"))
        at_work.start()
        until(lambda: models.models()[0].idle is None)

        with pytest.raises(Overloaded, match="no memory for whisper-small") as refusal:
            models.load("whisper-small")
        with pytest.raises(Overloaded, match="at work"):
            models.unload("whisper-base")

        assert refusal.value.retry_after > 0
        hold.unlink()
        at_work.join(20)


def test_more_work_than_can_be_done_in_time_is_turned_back_with_the_time_to_wait(
    tmp_path: Path,
) -> None:
    hold, stop = tmp_path / "hold", Event()
    with fleet(builder(hold=hold, batch=1)) as models:
        models.admit(Lane.INTERACTIVE)
        engine = models.transcriber("", Lane.INTERACTIVE, stop)
        hold.touch()
        flood = [piece(seconds=25.0) for _ in range(20)]

        def pour() -> None:
            with pytest.raises(Cancelled):
                engine.transcribe(flood)

        pouring = Thread(target=pour)
        pouring.start()
        until(lambda: models.dispatchers()[0].waiting(Lane.INTERACTIVE)[0] == 19)

        with pytest.raises(Overloaded, match="Ask again later") as refusal:
            models.admit(Lane.INTERACTIVE)
        models.admit(Lane.LIVE)

        assert 1 <= refusal.value.retry_after < 120
        stop.set()
        pouring.join(20)
        hold.unlink()


def test_who_comes_while_it_closes_is_told_so() -> None:
    with fleet() as models:
        pass

    with pytest.raises(EngineGone, match="shutting down"):
        models.load("whisper-base")


def test_an_alias_is_asked_about_without_loading_its_model() -> None:
    with fleet() as models:
        assert models.state("whisper-1").name == "whisper-base"
        assert loaded(models) == set()
        with pytest.raises(ModelMissing, match="whisper-huge"):
            models.state("whisper-huge")


def test_the_state_of_a_model_says_what_it_runs_on() -> None:
    with fleet() as models:
        use(models, "whisper-base")
        until(lambda: models.models()[0].idle is not None)

        state = models.models()[0]

        assert state.loaded and state.engine and state.engine.device == "cpu"
        assert state.memory and state.memory > MEGABYTE
        assert pid_of(models, "whisper-base")
