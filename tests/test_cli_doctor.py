"""`malgwi doctor` as its user meets it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from malgwi import cli
from malgwi.ops.doctor import CHECKS


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(here: Path, *arguments: object, input: str = "", **settings: str) -> Result:
    environment = {
        "MALGWI_HOME": str(here / "home"),
        "MALGWI_MODELS": str(here / "home" / "models"),
        "MALGWI_CLIENT__ADDRESS": "http://127.0.0.1:9",
        "LC_ALL": "C",
        **settings,
    }
    return CliRunner().invoke(
        cli.main, ["doctor", *map(str, arguments)], input=input, env=environment
    )


def test_what_is_amiss_is_said_with_an_exit_code(here: Path) -> None:
    models = {"MALGWI_MODELS": str(here / "models")}

    said = run(here, "--only", "MODEL", **models)

    assert said.exit_code == cli.EXIT_FAILED
    assert said.output.startswith("FAIL  MODEL-001   The folder of the models cannot be read.")
    assert "remedy" in said.output
    assert said.output.endswith("2 failed, 1 fine, 3 skipped.\n")


def test_the_language_is_that_of_the_locale_or_of_the_option(here: Path) -> None:
    english = run(here, "--only", "MODEL", "--language", "en", LC_ALL="ko_KR.UTF-8").output
    for locale in ({"LC_ALL": "ko_KR.UTF-8"}, {"LC_ALL": "", "LC_MESSAGES": "", "LANG": "ko"}):
        korean = run(here, "--only", "MODEL", **locale).output

        assert korean.startswith("실패  MODEL-001   모델 폴더를 읽을 수 없습니다.\n      근거  ")
        assert korean.endswith("실패 2, 정상 1, 생략 3\n")
        assert english.startswith("FAIL  MODEL-001")
    assert run(here, "--explain", "GPU-001", "--language", "ko").output.startswith(
        "GPU-001     GPU를 요청했다면 카드가 있습니까?\n이유"
    )
    log = run(here, "--log", "-", "--language", "ko", input="No space left on device\n" * 2)
    assert log.output.startswith("disk-full (1번째 줄, 2번)\n  원인    디스크")


def test_a_program_gets_english_in_any_locale(here: Path) -> None:
    said = run(here, "--json", "--only", "MODEL-001", LC_ALL="ko_KR.UTF-8")

    [check] = json.loads(said.output)["checks"]
    assert check["symptom"] == "The folder of the models cannot be read."


def test_warnings_and_skips_are_no_failure(here: Path) -> None:
    said = run(here, "--only", "CONF,NET", "--all", MALGWI_OFLINE="1")

    assert said.exit_code == 0
    assert "WARN  CONF-001" in said.output and "OK    NET-001" in said.output


def test_a_program_gets_json_with_every_check(here: Path) -> None:
    said = run(here, "--json", "--skip", "ENGINE,WHEEL,LIB")

    report = json.loads(said.output)
    left_out = {"ENGINE", "WHEEL", "LIB"}
    assert {each["id"] for each in report["checks"]} == {
        each.id for each in CHECKS if each.group not in left_out
    }
    assert said.exit_code == (1 if report["failed"] else 0)


def test_a_check_is_explained_without_looking(here: Path) -> None:
    said = run(here, "--explain", "gpu-001", MALGWI_ENGINE__PORT="nonsense")

    assert said.exit_code == 0
    assert said.output.startswith("GPU-001     Is a card here")
    assert run(here, "--explain", "GPU-999").exit_code == cli.EXIT_BAD_INPUT
    assert run(here, "--only", "NOTHING").exit_code == cli.EXIT_BAD_INPUT


def test_a_log_is_read_from_a_file_or_from_a_pipe(here: Path) -> None:
    text = "listening\nexec /usr/local/bin/malgwi: exec format error\n\xff\n"
    (here / "engine.log").write_text(text, "latin-1")

    file, pipe = run(here, "--log", "engine.log"), run(here, "--log", "-", input=text)

    assert file.output.startswith("wrong-architecture (line 2)\n  cause ")
    assert file.output == pipe.output
    assert file.exit_code == cli.EXIT_FAILED
    assert run(here, "--log", "-", input="all is well").exit_code == 0


def test_a_compose_file_that_is_named_is_looked_at(here: Path) -> None:
    (here / "mine.yaml").write_text("services: {a: {image: 'redis:latest'}}")

    said = run(here, "--compose", "mine.yaml", "--only", "COMPOSE-002")

    assert "a: redis:latest" in said.output
    assert run(here, "--compose", "none.yaml").exit_code == cli.EXIT_BAD_INPUT


@pytest.mark.model
@pytest.mark.slow
def test_the_engine_hears_a_canary_where_that_is_asked_for(here: Path, models: Path) -> None:
    if not (models / "whisper-base").is_dir():
        pytest.skip("There is no whisper-base.")
    said = run(here, "--canary", "--only", "ENGINE-006", "--all", MALGWI_MODELS=str(models))

    assert said.exit_code == 0, said.output
    assert "heard rightly" in said.output
