"""What stands in the files that Docker reads, whoever starts it: nothing is run here."""

import inspect
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from deploy.composed import (
    DEPLOY,
    FRAGMENTS,
    WHOLE,
    Service,
    default,
    read,
    seconds,
    services,
    variables,
)

from malgwi import library, serving
from malgwi.config import secret_file_names, setting_names
from malgwi.jobs import run_worker

ONCE = ("migrate", "models")
"""Services that do their work and end."""
NAMES = sorted(services())
GIVEN = {"STACK_ENGINE_CPUS": "2", "STACK_GPU_0": "GPU-a", "STACK_GPU_1": "GPU-b"}

each_service = pytest.mark.parametrize("name", NAMES)
each_file = pytest.mark.parametrize(
    "path", [WHOLE, *FRAGMENTS], ids=lambda path: str(path.name).removesuffix(".yaml")
)


@pytest.fixture
def service(name: str) -> Service:
    return services()[name]


@each_file
def test_no_file_has_a_version_or_an_image_that_moves(path: Path) -> None:
    assert "version" not in read(path)
    for each in services(path).values():
        if "image" in each:
            image = default(each["image"])
            assert re.fullmatch(r"[\w./-]+:[\w.-]*\d[\w.-]*(@sha256:[0-9a-f]{64})?", image), image


@each_service
def test_a_service_can_write_and_do_only_what_it_must(service: Service) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"] and "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service and "container_name" not in service
    assert all(number != "0" for number in service["user"].split(":"))
    assert all("size=" in each for each in service["tmpfs" if "tmpfs" in service else "volumes"])


@each_service
def test_a_service_is_bounded(service: Service) -> None:
    assert re.fullmatch(r"\d+[mg]", default(service["mem_limit"]))
    assert int(service["pids_limit"]) > 0
    assert service["logging"]["driver"] == "json-file"
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}


@each_service
def test_a_service_comes_back_and_says_how_it_is(name: str, service: Service) -> None:
    assert service["init"] is True
    if name in ONCE:
        assert service["restart"] == "no"
        return
    assert service["restart"] == "unless-stopped"
    health = service["healthcheck"]
    assert health["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries", "start_period", "start_interval"} <= set(health)


def test_the_engine_is_healthy_where_it_transcribes() -> None:
    assert services()["engine"]["healthcheck"]["test"][-1] == "/health/ready"


@each_file
def test_nothing_starts_before_what_it_needs_is_there(path: Path) -> None:
    for each in services(path).values():
        for needed, how in each.get("depends_on", {}).items():
            once = "service_completed_successfully"
            assert how["condition"] == (once if needed in ONCE else "service_healthy")


def test_nothing_is_killed_while_it_is_still_ending() -> None:
    soft = inspect.signature(run_worker).parameters["soft_shutdown"].default

    grace = {name: seconds(services()[name]["stop_grace_period"]) for name in ("api", "engine")}

    assert grace["api"] > serving.DRAIN + library.PATIENCE
    assert grace["engine"] > serving.DRAIN
    assert seconds(services()["worker"]["stop_grace_period"]) > soft + 10
    assert seconds(services()["nginx"]["stop_grace_period"]) >= grace["api"]


@each_file
def test_only_nginx_can_be_reached_from_outside(path: Path) -> None:
    for name, each in services(path).items():
        for port in each.get("ports", ()):
            mine = port.startswith("127.0.0.1:") if path.stem == "dev" else name == "nginx"
            assert mine, f"{path.name}: {name} publishes {port}"
    assert services()["nginx"]["ports"][0].startswith("${STACK_BIND:-127.0.0.1}:")


def test_only_the_door_and_who_fetches_models_have_a_way_out() -> None:
    networks = read(WHOLE)["networks"]
    inner = {name for name, each in networks.items() if each.get("internal")}

    outward = {name for name, each in services().items() if not inner.issuperset(each["networks"])}

    assert outward == {"nginx", "models"}
    assert "front" not in services()["postgres"]["networks"]


def test_secrets_are_files_and_each_service_has_only_its_own() -> None:
    declared = read(WHOLE)["secrets"]
    used = {name: set(each.get("secrets", ())) for name, each in services().items()}

    assert all(list(each) == ["file"] for each in declared.values())
    assert set().union(*used.values()) == set(declared)
    assert used["engine"] == {"engine_key"}
    assert not used["nginx"] and not used["models"]
    for name, each in services().items():
        for variable, value in each.get("environment", {}).items():
            hidden = re.search("password|secret|key", variable, re.IGNORECASE)
            assert not hidden or str(value).startswith("/run/secrets/"), f"{name}: {variable}"
            assert not re.search(r"://[^/]*:[^/]*@", str(value)), f"{name}: {variable}"


@each_file
def test_models_are_read_and_written_by_nobody_but_who_fetches_them(path: Path) -> None:
    for name, each in services(path).items():
        for volume in each.get("volumes", ()):
            if ":/models" in volume:
                assert volume.endswith(":/models" if name == "models" else ":/models:ro"), name


def test_the_queue_forgets_nothing() -> None:
    text = (DEPLOY / "redis" / "redis.conf").read_text("utf-8")
    settings = dict(line.split(" ", 1) for line in text.splitlines() if line[:1].isalpha())

    assert settings["appendonly"] == "yes"
    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["include"] == "/run/secrets/redis_password.conf"


def test_what_is_searched_for_is_in_no_log_of_nginx() -> None:
    text = (DEPLOY / "nginx" / "nginx.conf").read_text("utf-8")
    said = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)

    assert not re.search(r"\$(request|request_uri|args|query_string|http_\w+)\b(?!_)", _log(said))
    assert "error_log /dev/stderr crit;" in said


def _log(text: str) -> str:
    found = re.search(r"log_format[^;]*;", text)
    assert found
    return found[0]


def test_oracle_has_the_time_it_takes_and_nobody_outside_reaches_it() -> None:
    whole = read(DEPLOY / "compose" / "oracle.yaml")
    oracle = whole["services"]["oracle"]

    assert set(oracle["networks"]) == {"back"} and read(WHOLE)["networks"]["back"]["internal"]
    assert set(oracle["secrets"]) == set(whole["secrets"])
    for variable, value in oracle["environment"].items():
        assert "PASSWORD" not in variable or (variable.endswith("_FILE") and "/run/" in value)
    assert oracle["user"] != "root" and oracle["cap_drop"] == ["ALL"]
    assert re.fullmatch(r"\d+g", default(oracle["mem_limit"])) and oracle["pids_limit"]
    assert 180 <= seconds(oracle["healthcheck"]["start_period"]) <= 600  # up.sh waits 600 s
    assert seconds(oracle["stop_grace_period"]) >= 60


# What can be set


def _example() -> dict[str, str]:
    """The variables of .env.example with what stands behind them."""
    text = (DEPLOY / ".env.example").read_text("utf-8")
    return dict(re.findall(r"^#([A-Z]\w*)=(.*)$", text, re.MULTILINE))


def _described() -> set[str]:
    """Those that have a comment of their own above them, or share one."""
    text = (DEPLOY / ".env.example").read_text("utf-8")
    blocks = (block.splitlines() for block in text.split("\n\n"))
    return {
        line[1:].partition("=")[0]
        for block in blocks
        if block[0].startswith("# ")
        for line in block
        if re.match(r"#[A-Z]\w*=", line)
    }


def test_every_variable_of_the_containers_is_in_the_example_with_its_default() -> None:
    given = {name: value for path in (WHOLE, *FRAGMENTS) for name, value in _defaults(path).items()}
    example = _example()

    assert set(given) == {name for name in example if name.startswith("STACK_")}
    for name, value in given.items():
        assert not value or example[name] in (value, ""), name
    assert _described() == set(example)


def _defaults(path: Path) -> dict[str, str]:
    found = variables(path.read_text("utf-8"))
    demanded = re.findall(r"\$\{(\w+):\?", path.read_text("utf-8"))
    plain = {name: value for name, value in found.items() if name.startswith("STACK_")}
    return {name: "" if name in demanded else value for name, value in plain.items()}


def test_every_setting_that_the_containers_leave_open_is_in_the_example_and_no_other() -> None:
    given = {name for name in _example() if name.startswith("MALGWI_")}
    fixed = set(re.findall(r"^\s+(MALGWI_\w+):", WHOLE.read_text("utf-8"), re.MULTILINE))

    assert given <= set(setting_names())
    assert fixed <= {*setting_names(), *secret_file_names()}
    engines = services()["engine"]["environment"]
    assert not given & set(engines), "the engine would not get it"
    here = (
        "HOST",
        "PORT",
        "KEYS",
        "KEY_FILE",
        "HOME",
        "MODELS",
        "MODEL_SOURCE",
        "CLIENTS",
        "MEDIA_KEY",
    )
    left = set(setting_names()) - given - fixed
    assert all(name.endswith(here) or "CLIENT__" in name or "__BROKER" in name for name in left)


# Put together


@pytest.fixture
def compose() -> list[str]:
    command = [shutil.which("docker") or "docker", "compose"]
    try:
        subprocess.run([*command, "version"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("There is no docker compose here to ask.")
    return command


@pytest.mark.parametrize(
    "fragments",
    [(), *((each.stem,) for each in FRAGMENTS), ("cuda", "second-gpu"), ("cpu", "tls", "outbound")],
    ids="+".join,
)
def test_compose_understands_them_together(compose: list[str], fragments: tuple[str, ...]) -> None:
    if fragments == ("second-gpu",):
        pytest.skip("It goes with compose/cuda.yaml.")
    files = [WHOLE, *(DEPLOY / "compose" / f"{each}.yaml" for each in fragments)]
    asked = [argument for file in files for argument in ("-f", str(file))]

    done = subprocess.run(
        [*compose, *asked, "--env-file", "/dev/null", "config", "--quiet"],
        env={**os.environ, **GIVEN},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("fragment", "missing"), [("cpu", "STACK_ENGINE_CPUS"), ("cuda", "STACK_GPU_0")]
)
def test_what_a_fragment_needs_it_asks_for(compose: list[str], fragment: str, missing: str) -> None:
    files = ["-f", str(WHOLE), "-f", str(DEPLOY / "compose" / f"{fragment}.yaml")]

    done = subprocess.run(
        [*compose, *files, "--env-file", "/dev/null", "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode and missing in done.stderr and ".env" in done.stderr


def test_every_engine_on_a_gpu_has_that_one_and_a_worker() -> None:
    cuda, second = (
        services(DEPLOY / "compose" / f"{each}.yaml") for each in ("cuda", "second-gpu")
    )

    cards = [_card(cuda["engine"]), _card(second["engine-1"])]

    assert cards[0] != cards[1]
    assert all(card.startswith("${STACK_GPU_") for card in cards)
    assert second["worker-1"]["environment"]["MALGWI_STT__ENDPOINT"] == "http://engine-1:8003"


def _card(service: dict[str, Any]) -> str:
    [device] = service["gpus"]
    [card] = device["device_ids"]
    return str(card)
