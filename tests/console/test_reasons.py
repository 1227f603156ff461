"""Reasons in Korean: each is held to what the code says, so that none comes loose from it."""

import ast
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Event
from typing import Annotated, Any

import numpy as np
import pytest
from audio.soundfiles import wav_bytes, write_silent_film
from console.browser import looking
from playwright.sync_api import Browser, expect
from pydantic import BaseModel, Field, ValidationError
from test_library import Library

import malgwi
from malgwi.apps.transcription.api.fields import Moment
from malgwi.audio import open_recording
from malgwi.audio.defects import Defects
from malgwi.console import reasons
from malgwi.devices import Inventory, climb, rungs
from malgwi.errors import (
    BadAudio,
    BadGlossary,
    DeviceRefused,
    EngineMissing,
    MalgwiError,
    ModelMissing,
    NotFound,
)
from malgwi.jobs import Context, Running, execute
from malgwi.store import Database, Glossaries, Ledger, connect, upgrade
from malgwi.text import parse_glossary
from malgwi.types import Lane

SOURCE = Path(malgwi.__file__).parent
TABLE = json.loads((SOURCE / "console" / "static" / "reasons.json").read_text("utf-8"))
PART = re.compile(r"\{(\w+)\}")
HANGUL = re.compile("[가-힣]")

BROKEN_GLOSSARIES = (
    "written: 북문",
    "- 북문",
    "- [1]: 북문",
    "- written: 북문",
    "- spoken: 붕문",
    "- writen: 북문",
    "- colour: 북문",
    "- written: 북문\n  written: 남문",
    "- written: [북문, 남문]\n  spoken: 붕문",
    "- written: 북문\n  spoken: [붕문, '']",
    "- written: 북문\n  spoken: {a: b}",
    "- written: 북문\n  spoken: 붕문\n  match: some",
    "- written: 북문\n  spoken: 붕문\n  case_sensitive: perhaps",
    "- written: 북문\n  spoken: 붕문\n  languages: korean",
    "- {id: a, written: 북문, spoken: 붕문}\n- {id: a, written: 남문, spoken: 낭문}",
    "- {written: 북문, spoken: 붕문}\n- {written: 북 문, spoken: 붕문}",
    '- "\\U00110000"',
    "- [",
    "\x01",
)


class Fields(BaseModel):
    """As the API bounds what it is sent."""

    name: Annotated[str, Field(min_length=1, max_length=5)] = "a"
    password: Annotated[str, Field(min_length=8)] = "12345678"
    labels: Annotated[list[str], Field(min_length=1, max_length=2)] = ["a"]
    start: Annotated[float, Field(ge=0, le=9)] = 1
    kind: str
    at: Moment | None = None


WRONG_FIELDS: tuple[dict[str, Any], ...] = (
    {},
    {"kind": "", "name": ""},
    {"kind": "", "name": "123456"},
    {"kind": "", "password": "1"},
    {"kind": "", "labels": ["a", "b", "c"]},
    {"kind": "", "labels": []},
    {"kind": "", "start": -1},
    {"kind": "", "start": 10},
    {"kind": "", "at": "soon"},
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = connect(f"sqlite:///{tmp_path / 'malgwi.db'}")
    upgrade(opened)
    yield opened
    opened.close()


def test_a_file_that_cannot_be_read_says_why_in_korean(tmp_path: Path) -> None:
    empty, letter, cut = tmp_path / "empty.wav", tmp_path / "letter.wav", tmp_path / "cut.m4a"
    listed, header, pipe = tmp_path / "list.m3u", tmp_path / "header.wav", tmp_path / "pipe.wav"
    empty.touch()
    letter.write_text("Dear Sir or Madam, " * 100)
    cut.write_bytes(b"\0\0\0\x20ftypM4A \0\0\0\0" + bytes(100))
    listed.write_text("#EXTM3U\nroger.wav\n")
    header.write_bytes(wav_bytes(np.zeros((1, 0), np.float32)))
    os.mkfifo(pipe)
    for path, why in (
        (tmp_path / "gone.wav", "찾을 수 없습니다"),
        (tmp_path, "폴더입니다"),
        (pipe, "일반 파일이 아닙니다"),
        (empty, "내용이 없습니다"),
        (letter, "소리 파일이 아니거나"),
        (cut, "도중에 끊긴"),
        (listed, "재생 목록"),
        (header, "소리가 없습니다"),
        (write_silent_film(tmp_path / "film.mp4"), "소리가 들어 있지 않습니다"),
    ):
        english = _refusal(BadAudio, partial(open_recording, [path]))
        korean = reasons.said("ko", english)

        assert why in korean
        assert str(path) in korean
        assert reasons.said("en", english) == english


def test_every_way_in_which_sound_is_refused_is_said_in_korean() -> None:
    found = [each for path in (SOURCE / "audio").glob("*.py") for each in _refusals(path)]

    assert len(found) >= 15
    for shape in found:
        assert HANGUL.search(reasons.said("ko", shape.replace("{}", "7"))), shape


def test_no_reason_is_of_a_sentence_that_is_said_no_more(database: Database) -> None:
    said = {_plain(each) for path in SOURCE.rglob("*.py") for each in _shapes(path)}
    failures = tomllib.loads((SOURCE / "devices" / "failures.toml").read_text("utf-8"))["failure"]
    said |= {each["cause"].removesuffix(".") for each in failures}
    made = [*_of_glossaries(), *_of_fields(), *_of_engines(), *_of_the_store(database)]
    made += [*_of_damage(), *_why_it_breaks_off()]

    for english, _ in TABLE["sentences"]:
        if _plain(PART.sub("{}", english)) not in said:
            assert any(_holds(english, each) for each in made), english
    assert set(TABLE["types"]) <= said


def test_what_to_know_about_a_recording_is_said_in_korean() -> None:
    for english in _of_damage():
        korean = reasons.said("ko", english)
        assert korean.startswith(("파일 radio.wav", "채널"))
        assert not re.search("[a-z]{3}", korean.replace("radio.wav", "")), korean


def test_nothing_is_said_of_what_the_sentence_does_not_name() -> None:
    for english, korean in TABLE["sentences"]:
        assert set(PART.findall(korean)) <= set(PART.findall(english)), english
        assert HANGUL.search(korean) or not PART.sub("", korean).strip(" :()"), english


def test_what_is_wrong_with_a_glossary_is_told_with_its_line() -> None:
    for english in _of_glossaries():
        assert re.match(r"\d+번째 줄: .*[가-힣]", reasons.said("ko", english)), english

    twice = _refusal(BadGlossary, lambda: parse_glossary(BROKEN_GLOSSARIES[15], "yaml"))
    assert reasons.said("ko", twice).startswith("2번째 줄: 용어 '북 문': 같은 말의 표기가 1")


def test_a_field_is_called_as_on_the_page() -> None:
    said = [reasons.said("ko", each) for each in _of_fields()]

    assert "이름: 비워 둘 수 없습니다." in said
    assert "비밀번호: 8자 이상이어야 합니다." in said
    assert all(HANGUL.search(each) for each in said)


def test_a_type_that_means_one_thing_outdoes_the_sentence() -> None:
    stale = {"type": "urn:malgwi:problem:stale", "revision": 7}

    assert "지금은 7판입니다" in reasons.said("ko", "Anything at all.", stale)
    assert reasons.said("ko", "Anything at all.", {**stale, "revision": None}) == "Anything at all."
    assert "편집자" in reasons.said("ko", "This needs the role editor; yours is viewer.")


def test_what_nobody_has_put_into_korean_is_told_in_english() -> None:
    for unknown in ("The moon is full.", "", "x" * 100_000, "비었습니다"):
        assert reasons.said("ko", unknown) == unknown
    problem = {"type": "urn:malgwi:problem:of_tomorrow"}
    assert reasons.said("ko", "The moon is full.", problem) == "The moon is full."


def test_a_name_stays_as_it_is_whatever_is_in_it() -> None:
    for name in ("<b>x</b>.wav", "{file} {why}.wav", "a\nb.wav", "\\1.wav", "viewer"):
        said = reasons.said("ko", f"{name} is empty. Record or copy it again.")
        assert said == f"파일 {name}: 내용이 없습니다. 다시 녹음하거나 복사하세요."


@pytest.mark.slow
@pytest.mark.model
def test_a_korean_browser_says_in_korean_why_a_file_is_no_recording(
    browser: Browser, service: Library, tmp_path: Path
) -> None:
    letter = tmp_path / "<b>letter.txt"
    letter.write_text("Dear Sir or Madam, " * 100)
    with looking(browser, str(service.http.base_url), locale="ko-KR") as page:
        page.goto("/recordings")
        page.locator("input[type=file]").set_input_files(letter)
        page.get_by_role("button", name="녹음 올리기").click()
        row = page.get_by_role("row").filter(has_text="<b>letter.txt")

        why = row.get_by_text("소리 파일이 아니거나 앞부분이 손상되었습니다.")
        expect(why).to_contain_text("파일 <b>letter.txt:", timeout=60_000)
        expect(row.locator("b")).to_have_count(0)
    made = service.http.get("/v1/recordings", params={"name": "letter.txt"}).json()["items"]
    for each in made:
        service.http.delete(f"/v1/recordings/{each['id']}", params={"purge": True})


@pytest.mark.slow
@pytest.mark.model
def test_a_page_that_asks_the_service_itself_says_in_korean_what_it_refused(
    browser: Browser, service: Library, tmp_path: Path
) -> None:
    with looking(browser, str(service.http.base_url), locale="ko-KR", allow=(400,)) as page:
        page.goto("/search?q=-gate")

        expect(page.get_by_text("찾을 낱말이 없습니다. 하나 이상 적으세요.")).to_be_visible()

        bad = tmp_path / "bad.csv"
        bad.write_text("written,spoken\n북문,\n")
        page.goto("/glossaries/none")
        with page.expect_file_chooser() as chosen:
            page.get_by_role("button", name="파일에서 가져오기").click()
        chosen.value.set_files(bad)
        told = page.get_by_role("alert").filter(visible=True)
        expect(told).to_contain_text("bad.csv: 2번째 줄: 용어 '북문': 들리는 말이 빠졌습니다.")


def _of_glossaries() -> list[str]:
    def parsing(text: str) -> Callable[[], object]:
        return lambda: parse_glossary(text, "yaml")

    return [_refusal(BadGlossary, parsing(text)) for text in BROKEN_GLOSSARIES]


def _of_damage() -> list[str]:
    """What may be wrong with a file, once and several times."""
    made = []
    for times in (1, 2):
        defects = Defects("radio.wav", ["ch01"], promised=60.0, whole=False)
        defects.ended, defects.heard = True, 59.9
        for tally in (defects.damaged, defects.gaps, defects.jumps, defects.layouts):
            for second in range(times):
                tally.add(float(second), 0.5)
        defects.not_finite = defects.clipped = times
        defects.constant = {0: 0.25}
        made += [each.message for each in defects.notices()]
        defects.heard = 30.0
        made += [each.message for each in defects.notices()]
    return made


def _why_it_breaks_off() -> list[str]:
    return [each.partition(" s: ")[2].partition(". What comes")[0] for each in _of_damage()]


def _of_fields() -> list[str]:
    made = []
    for wrong in WRONG_FIELDS:
        with pytest.raises(ValidationError) as refused:
            Fields.model_validate(wrong)
        [fault] = refused.value.errors()
        made.append(f"The field {fault['loc'][0]!r} cannot be used: {fault['msg']}.")
    return made


def _of_engines() -> list[str]:
    none = rungs("cuda", Inventory(), "4.7.0", 100_000_000)
    return [
        _refusal(DeviceRefused, lambda: climb(none, str, str)),
        str(EngineMissing("faster-whisper")),
        str(EngineMissing("faster-whisper", "ctranslate2")),
        str(ModelMissing("whisper-base", "/models")),
        str(ModelMissing.among("whisper-huge", ["whisper-base"])),
    ]


def _of_the_store(database: Database) -> list[str]:
    glossaries = Glossaries(database)
    glossaries.put("무전", "one")
    return [
        _refusal(NotFound, lambda: glossaries.find("없음")),
        _refusal(NotFound, lambda: glossaries.find("무전", 7)),
        _overdue(Ledger(database)),
    ]


def _overdue(ledger: Ledger) -> str:
    def wait(running: Running) -> None:
        running.stop.wait()
        running.check()

    added = ledger.add("wait", {}, lane=Lane.BATCH, queue="batch", max_attempts=1)
    claimed = ledger.claim(added.id, "worker", 15.0)
    assert claimed
    execute(Context(ledger, {"wait": wait}, time_limit=0.1), claimed, Event(), lambda: None)
    return str(ledger.get(added.id).error)


def _refusal(kind: type[MalgwiError], call: Callable[[], object]) -> str:
    with pytest.raises(kind) as refused:
        call()
    return str(refused.value)


def _holds(english: str, sentence: str) -> bool:
    """Whether it is said in the sentence, be it as a part of it."""
    pattern = "".join(
        ".+?" if PART.fullmatch(each) else re.escape(each)
        for each in re.split(r"(\{\w+\})", english)
    )
    return re.search(pattern, sentence, re.DOTALL) is not None


def _shapes(path: Path) -> Iterator[str]:
    """All texts of a module, with {} where something is put in."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if (shape := _shape(node)) is not None:
            yield shape


def _refusals(path: Path) -> Iterator[str]:
    """What BadAudio and TooLarge are made of there."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("BadAudio", "TooLarge"):
            yield from filter(None, map(_shape, node.args))
        elif isinstance(node, ast.FunctionDef) and node.name == "_why_not":
            returns = [each.value for each in ast.walk(node) if isinstance(each, ast.Return)]
            yield from filter(None, (each and _shape(each) for each in returns))


def _shape(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(_shape(each) or "{}" for each in node.values)
    return None


def _plain(shape: str) -> str:
    """A value that is quoted by `!r` is one like any other."""
    return shape.replace("'{}'", "{}")
