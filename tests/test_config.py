"""Settings come from the environment, are checked, and are written down for people."""

import re
from pathlib import Path

import pytest

from malgwi.config import PREFIX, read_config, setting_names, unknown_settings
from malgwi.errors import BadOption

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "settings.md"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [*setting_names(), "MALGWI_STT", "MALGWI_VAD"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_the_defaults_need_nothing(tmp_path: Path) -> None:
    config = read_config()

    assert config.home == tmp_path / ".malgwi"
    assert config.models == tmp_path / ".malgwi" / "models"
    assert (config.offline, config.model_source) == (False, None)
    assert (config.stt.engine, config.stt.model) == ("faster-whisper", "whisper-base")
    assert (config.vad.engine, config.vad.options) == ("silero", {})


def test_the_models_go_with_the_home_unless_they_have_a_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MALGWI_HOME", "~/elsewhere")
    assert read_config().models == tmp_path / "elsewhere" / "models"

    monkeypatch.setenv("MALGWI_MODELS", "/srv/models")
    assert read_config().models == Path("/srv/models")


def test_two_underscores_lead_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALGWI_STT__MODEL", "whisper-small")
    monkeypatch.setenv("MALGWI_STT__OPTIONS", '{"device": "cuda", "workers": 2}')
    monkeypatch.setenv("MALGWI_OFFLINE", "1")

    config = read_config()

    assert config.stt.model == "whisper-small"
    assert config.stt.options == {"device": "cuda", "workers": 2}
    assert config.offline


def test_an_empty_variable_is_no_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MALGWI_HOME", "")
    monkeypatch.setenv("MALGWI_MODEL_SOURCE", "")

    config = read_config()

    assert (config.home, config.model_source) == (tmp_path / ".malgwi", None)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MALGWI_OFFLINE", "maybe", "MALGWI_OFFLINE is 'maybe'"),
        ("MALGWI_HOME", "~no-such-user/malgwi", "there is no such home folder"),
        ("MALGWI_STT__OPTIONS", "{", "must hold JSON"),
        ("MALGWI_STT__OPTIONS", "[1]", "MALGWI_STT__OPTIONS is"),
        ("MALGWI_STT__MODLE", "x", "MALGWI_STT__MODLE is 'x'"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(BadOption, match=re.escape(said)):
        read_config()


def test_a_misspelt_setting_is_told_with_the_one_that_was_meant() -> None:
    given = {"MALGWI_STT_MODEL": "x", "MALGWI_ZZZ": "y", "MALGWI_HOME": "/h", "HOME": "/h"}

    first, second = unknown_settings(given)

    assert first.endswith("Is MALGWI_STT__MODEL meant?")
    assert second.startswith("MALGWI_ZZZ is set, and no setting is called that.")


def test_every_setting_is_documented_and_nothing_else() -> None:
    documented = re.findall(rf"^\| `({PREFIX}\w+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)

    assert sorted(documented) == setting_names()
