"""Log lines as whoever collects them sees them; and what must never be among them."""

import asyncio
import logging
import threading
import warnings
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from log_lines import log_lines, parsed

from malgwi import logs
from malgwi.errors import BadAudio, BadOption

SECRET = "mayday mayday"

logger = logging.getLogger("malgwi.test")


@pytest.fixture
def stream() -> Iterator[StringIO]:
    with log_lines() as stream:
        yield stream


def test_a_line_is_json_with_its_facts(stream: StringIO) -> None:
    logger.info("loaded", extra={"model": "whisper-base", "seconds": 1.5, "path": Path("a/b")})

    (line,) = parsed(stream)
    assert str(line.pop("time")).endswith("Z")
    assert line == {
        "level": "INFO",
        "logger": "malgwi.test",
        "message": "loaded",
        "model": "whisper-base",
        "seconds": 1.5,
        "path": "a/b",
    }


def test_the_request_is_named_while_it_is_bound(stream: StringIO) -> None:
    with logs.bind("r1"):
        logger.info("inside")
    logger.info("outside")

    inside, outside = parsed(stream)
    assert inside["request_id"] == "r1"
    assert "request_id" not in outside


def test_facts_of_any_type_make_a_line_and_foreign_values_do_not_show(stream: StringIO) -> None:
    class Piece:
        def __repr__(self) -> str:
            return SECRET

    facts = {"a": float("nan"), "b": (1, {2}), "c": {"d": Piece()}, "e": ValueError(SECRET)}
    logger.info("odd", extra={**facts, "level": "mine"})

    (line,) = parsed(stream)
    assert SECRET not in stream.getvalue()
    assert (line["a"], line["b"], line["level"]) == (None, [1, [2]], "INFO")


def test_an_error_is_its_type_and_place_and_causes(stream: StringIO) -> None:
    try:
        try:
            raise ValueError(SECRET)
        except ValueError as error:
            raise RuntimeError(SECRET) from error
    except RuntimeError:
        logger.exception("failed")

    assert SECRET not in stream.getvalue()
    (line,) = parsed(stream)
    told = line["error"]
    assert isinstance(told, dict)
    assert told["type"] == "RuntimeError"
    assert told["where"][-1].startswith("tests/test_logs.py:")
    assert told["cause"]["type"] == "ValueError"


def test_an_error_of_ours_may_speak(stream: StringIO) -> None:
    try:
        raise BadAudio("There is no sound in it.") from ValueError(SECRET)
    except BadAudio:
        logger.exception("failed")

    (line,) = parsed(stream)
    assert isinstance(line["error"], dict)
    assert line["error"]["message"] == "There is no sound in it."
    assert SECRET not in stream.getvalue()


def test_of_other_libraries_only_the_constant_words_of_warnings_come_through(
    stream: StringIO,
) -> None:
    other = logging.getLogger("some.library")

    other.info("heard %s", SECRET)
    other.warning("cannot say %s", SECRET)

    assert [line["message"] for line in parsed(stream)] == ["cannot say %s"]


def test_a_task_that_fails_unseen_does_not_tell_what_it_held(stream: StringIO) -> None:
    async def fails() -> None:
        raise ValueError(SECRET)

    async def main() -> None:
        task = asyncio.create_task(fails())
        await asyncio.wait({task})

    asyncio.run(main())

    assert SECRET not in stream.getvalue()
    assert "never retrieved" in stream.getvalue()


def test_a_thread_that_ends_by_an_error_is_logged_without_its_words(stream: StringIO) -> None:
    def fails() -> None:
        raise ValueError(SECRET)

    thread = threading.Thread(target=fails)
    thread.start()
    thread.join()

    (line,) = parsed(stream)
    assert isinstance(line["error"], dict)
    assert line["error"]["type"] == "ValueError"
    assert SECRET not in stream.getvalue()


def test_uvicorns_own_lines_come_too_and_its_access_lines_do_not(stream: StringIO) -> None:
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 7)
    logging.getLogger("uvicorn.access").info('"GET /?word=%s"', SECRET)

    assert [line["message"] for line in parsed(stream)] == ["Started server process [7]"]


def test_a_warning_is_a_line(stream: StringIO) -> None:
    with warnings.catch_warnings():
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.simplefilter("always")
        warnings.warn("old ways", stacklevel=1)

    (line,) = parsed(stream)
    assert "old ways" in str(line["message"])
    assert line["logger"] == "py.warnings"


def test_a_message_never_breaks_the_line(stream: StringIO) -> None:
    logger.info("one\ntwo", extra={"fact": "three\nfour"})

    assert len(stream.getvalue().splitlines()) == 1


def test_a_line_that_cannot_be_written_is_not_complained_about(
    stream: StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    stream.close()

    logger.info("heard %s", SECRET)

    assert capsys.readouterr().err == ""


def test_setting_up_again_does_not_double_the_lines(stream: StringIO) -> None:
    logs.set_up("WARNING", stream)

    logger.info("quiet")
    logger.warning("loud")

    assert [line["message"] for line in parsed(stream)] == ["loud"]


def test_a_level_that_there_is_not_is_refused() -> None:
    with pytest.raises(BadOption, match="INFO"):
        logs.set_up("LOUD")
