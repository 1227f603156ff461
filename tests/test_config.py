"""Settings come from the environment, are checked, and are written down for people."""

import re
from pathlib import Path

import pytest

from malgwi.config import (
    PREFIX,
    database_address,
    read_config,
    secret_file_names,
    setting_names,
    unknown_settings,
)
from malgwi.errors import BadOption

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "settings.md"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [*setting_names(), *secret_file_names(), "MALGWI_STT", "MALGWI_VAD"]:
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


def test_a_secret_can_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broker").write_text("redis://:a-password@redis:6379/0\n")
    (tmp_path / "url").write_text("postgresql://malgwi:b-password@db/malgwi")
    (tmp_path / "keys").write_text("a-key-of-some-length,another-one-of-some")
    monkeypatch.setenv("MALGWI_JOBS__BROKER_FILE", str(tmp_path / "broker"))
    monkeypatch.setenv("MALGWI_STORE__URL_FILE", str(tmp_path / "url"))
    monkeypatch.setenv("MALGWI_ENGINE__KEYS_FILE", str(tmp_path / "keys"))

    config = read_config({"engine": {"port": 1234}})

    assert config.jobs.broker and config.engine.keys
    assert config.jobs.broker.get_secret_value() == "redis://:a-password@redis:6379/0"
    assert database_address(config) == "postgresql://malgwi:b-password@db/malgwi"
    assert config.engine.keys.get_secret_value() == "a-key-of-some-length,another-one-of-some"
    assert config.engine.port == 1234
    assert not unknown_settings(dict.fromkeys(secret_file_names(), "x"))


@pytest.mark.parametrize(
    ("content", "beside", "said"),
    [
        (None, "", "which cannot be read"),
        (b"\xff\xfe\xff", "", "which cannot be read"),
        (b" \n", "", "which is empty"),
        (b"redis://:in-a-file@host/0", "redis://:beside@host/0", "are both set"),
    ],
)
def test_a_secret_that_cannot_be_read_is_named_and_not_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, beside: str, said: str
) -> None:
    if content is not None:
        (tmp_path / "broker").write_bytes(content)
    monkeypatch.setenv("MALGWI_JOBS__BROKER_FILE", str(tmp_path / "broker"))
    monkeypatch.setenv("MALGWI_JOBS__BROKER", beside)

    with pytest.raises(BadOption, match=f"MALGWI_JOBS__BROKER_FILE .*{said}") as refused:
        read_config()

    assert "in-a-file" not in str(refused.value) and "beside" not in str(refused.value)


def test_a_file_that_has_no_secret_for_a_setting_is_no_setting() -> None:
    [sentence] = unknown_settings({"MALGWI_STT__MODEL_FILE": "x"})

    assert sentence.endswith("Is MALGWI_STT__MODEL meant?")


def test_every_secret_that_can_lie_in_a_file_is_documented_so() -> None:
    text = PAGE.read_text("utf-8")

    assert all(f"`{name}`" in text for name in secret_file_names())


def test_every_setting_is_documented_and_nothing_else() -> None:
    documented = re.findall(rf"^\| `({PREFIX}\w+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)

    assert sorted(documented) == setting_names()
