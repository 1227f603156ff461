"""The settings name engines, and engines that work come out."""

from pathlib import Path

import pytest
from plugged_in import install

from malgwi import bootstrap
from malgwi.config import read_config, setting_names
from malgwi.errors import BadGlossary, BadOption, EngineUnknown, ModelMissing
from malgwi.text import apply
from malgwi.types import Span, Utterance


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine without models, where two engines of somebody else are installed."""
    for name in setting_names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MALGWI_MODELS", str(tmp_path / "models"))
    monkeypatch.syspath_prepend(install(tmp_path / "site"))
    return monkeypatch


def said(text: str) -> Utterance:
    return Utterance("00-0001", 0, Span(0.0, 1.0), text, text, (), "en")


def test_an_engine_of_somebody_else_is_found_and_gets_its_options(
    settings: pytest.MonkeyPatch,
) -> None:
    settings.setenv("MALGWI_STT__ENGINE", "slow")
    settings.setenv("MALGWI_STT__OPTIONS", '{"text": "good day"}')

    engines = bootstrap.engines(read_config())

    assert type(engines.stt).__name__ == "Slow"
    assert vars(engines.stt)["_text"] == "good day"


def test_options_are_those_of_the_engine_of_the_settings_only(settings: pytest.MonkeyPatch) -> None:
    settings.setenv("MALGWI_STT__OPTIONS", '{"device": "cuda"}')

    bootstrap.engines(read_config(), engine="slow")  # which knows no device


def test_an_option_that_the_engine_does_not_take_is_refused(settings: pytest.MonkeyPatch) -> None:
    settings.setenv("MALGWI_STT__ENGINE", "slow")
    settings.setenv("MALGWI_STT__OPTIONS", '{"sedonds": 1}')

    with pytest.raises(BadOption, match=r"slow does not take these options: .*sedonds"):
        bootstrap.engines(read_config())


def test_an_unknown_engine_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(EngineUnknown, match="slow"):
        bootstrap.engines(read_config(), engine="quick")


@pytest.mark.parametrize("by_setting", [True, False])
def test_another_engine_comes_with_a_model_of_its_own(
    settings: pytest.MonkeyPatch, by_setting: bool
) -> None:
    pytest.importorskip("moonshine_voice")
    if by_setting:
        settings.setenv("MALGWI_STT__ENGINE", "moonshine")

    with pytest.raises(ModelMissing, match="malgwi models pull moonshine-tiny-en"):
        bootstrap.engines(read_config(), engine=None if by_setting else "moonshine")


def test_the_model_of_the_settings_is_taken_unless_another_is_named(
    settings: pytest.MonkeyPatch,
) -> None:
    settings.setenv("MALGWI_STT__MODEL", "whisper-small")

    with pytest.raises(ModelMissing, match="whisper-small"):
        bootstrap.engines(read_config())
    with pytest.raises(ModelMissing, match="whisper-tiny"):
        bootstrap.engines(read_config(), model="whisper-tiny")


def test_every_recording_gets_a_detector_of_its_own(settings: pytest.MonkeyPatch) -> None:
    settings.setenv("MALGWI_VAD__ENGINE", "energy")

    engines = bootstrap.engines(read_config(), engine="scripted")

    assert engines.new_vad() is not engines.new_vad()


def test_text_is_suppressed_after_the_glossary_has_mended_it(tmp_path: Path) -> None:
    glossary = tmp_path / "terms.csv"
    glossary.write_text("written,spoken\nMalgwi,mal guy\nmayday,may they\n")
    rules = bootstrap.engines(read_config(), engine="scripted", glossary=glossary).rules(["ch01"])

    assert apply(rules, said("mal guy")).text == "Malgwi"
    assert apply(rules, said("may they " * 12)).suppressed is None
    assert apply(rules, said("they say " * 12)).suppressed == "loop"


def test_a_broken_glossary_is_refused_before_a_model_is_loaded(tmp_path: Path) -> None:
    glossary = tmp_path / "terms.csv"
    glossary.write_text("written,spoken\n,mal guy\n")

    with pytest.raises(BadGlossary, match=r"terms\.csv.*2"):
        bootstrap.engines(read_config(), glossary=glossary)


def test_every_engine_says_whether_it_could_be_used_and_what_it_lacks() -> None:
    states = {(each.seam, each.name): each for each in bootstrap.engine_states(read_config())}

    assert states["stt", "scripted"].ready
    assert states["stt", "slow"].ready
    assert states["vad", "energy"].ready
    assert "en, ko" in states["stt", "scripted"].detail
    whisper = states["stt", "faster-whisper"]
    assert not whisper.ready
    assert "malgwi models pull" in whisper.detail or "pip install" in whisper.detail
