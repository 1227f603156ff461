"""A folder a node: what it runs and nothing else, and made again only where something changed."""

import json
import os
import re
import shutil
import ssl
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from malgwi.cli import main
from malgwi.errors import BadOption
from malgwi.ops.nodes import Changes, read_inventory, render

SOURCE = Path(__file__).parents[3] / "deploy"
LOGOS = "logos: {address: 10.0.0.1, roles: [web], gpus: [GPU-a], queues: [realtime]}"
PATHOS = "pathos: {address: 10.0.0.2, roles: [analysis], gpus: [GPU-b, GPU-c]}"
ETHOS = "ethos: {address: 10.0.0.3, roles: [data], queues: [batch]}"
FOURTH = "nomos: {address: 10.0.0.4, roles: [analysis]}"


class Site:
    """An inventory, and the folder that is made of it."""

    def __init__(self, folder: Path) -> None:
        self.inventory, self.into = folder / "nodes.yaml", folder / "rendered"

    def render(self, *nodes: str, check: bool = False, settings: str = "{}") -> Changes:
        lines = "".join(f"  {node}\n" for node in nodes)
        self.inventory.write_text(
            f"schema: 1\nname: mg\nsettings: {settings}\nnodes:\n{lines}", "utf-8"
        )
        return render(read_inventory(self.inventory), SOURCE, self.into, check=check)

    def three(self, **options: Any) -> Changes:
        return self.render(LOGOS, PATHOS, ETHOS, **options)

    def compose(self, node: str) -> dict[str, Any]:
        content: dict[str, Any] = yaml.safe_load((self.into / node / "compose.yaml").read_text())
        return content

    def services(self, node: str) -> dict[str, dict[str, Any]]:
        services: dict[str, dict[str, Any]] = self.compose(node)["services"]
        return services

    def files(self) -> dict[str, bytes]:
        found = (path for path in self.into.rglob("*") if path.is_file())
        return {str(path.relative_to(self.into)): path.read_bytes() for path in found}

    def secrets(self, node: str) -> set[str]:
        return {path.name for path in (self.into / node / "secrets").iterdir()}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Made once, to look at."""
    site = Site(tmp_path_factory.mktemp("three"))
    site.three()
    return site


def test_each_node_runs_what_it_is_for(three: Site) -> None:
    assert set(three.services("logos")) == {
        *("nginx", "api", "reaper", "migrate", "redis", "engine", "worker", "models")
    }
    assert set(three.services("pathos")) == {"engine", "worker", "engine-1", "worker-1", "models"}
    assert set(three.services("ethos")) == {"postgres", "engine", "worker", "models"}
    assert three.compose("pathos")["name"] == "mg-pathos"


def test_a_service_is_what_it_is_on_one_machine(three: Site) -> None:
    whole = yaml.safe_load((SOURCE / "compose.yaml").read_text())["services"]
    places = ("environment", "secrets", "networks", "ports", "volumes", "command", "depends_on")
    for node in ("logos", "pathos", "ethos"):
        for name, service in three.services(node).items():
            own = whole[re.sub(r"-\d$", "", name)]
            for key in own.keys() - {*places, "build", "entrypoint", "healthcheck", "image"}:
                assert service[key] == own[key], f"{node}: {name}: {key}"


def test_nobody_waits_for_somebody_on_another_node(three: Site) -> None:
    for node in ("logos", "pathos", "ethos"):
        services = three.services(node)
        waited = {each for service in services.values() for each in service.get("depends_on", ())}
        assert waited and waited <= set(services)


def test_a_gpu_has_its_engine_and_that_its_worker(three: Site) -> None:
    pathos = three.services("pathos")

    cards = [pathos[name]["gpus"][0]["device_ids"] for name in ("engine", "engine-1")]

    assert cards == [["GPU-b"], ["GPU-c"]]
    assert pathos["worker-1"]["environment"]["MALGWI_STT__ENDPOINT"] == "http://engine-1:8003"
    assert set(pathos["worker-1"]["depends_on"]) == {"engine-1"}
    assert pathos["engine"]["environment"]["MALGWI_STT__DEVICE"] == "cuda"
    assert three.services("ethos")["engine"]["environment"]["MALGWI_STT__DEVICE"] == "cpu"


def test_workers_do_the_jobs_that_the_inventory_gives_them(three: Site) -> None:
    assert three.services("logos")["worker"]["command"] == ["worker", "--queues", "realtime"]
    assert three.services("ethos")["worker"]["command"] == ["worker", "--queues", "batch"]


def test_what_is_open_is_open_at_the_address_of_the_node_only(three: Site) -> None:
    open_at = {
        (node, name): ports
        for node in ("logos", "pathos", "ethos")
        for name, service in three.services(node).items()
        if (ports := service.get("ports"))
    }

    assert open_at == {
        ("logos", "nginx"): [
            "${STACK_BIND:-127.0.0.1}:${STACK_HTTP_PORT:-8080}:8080",
            "${STACK_BIND:-127.0.0.1}:${STACK_HTTPS_PORT:-8443}:8443",
            "10.0.0.1:8444:8444",
        ],
        ("logos", "redis"): ["10.0.0.1:6379:6379"],
        ("ethos", "postgres"): ["10.0.0.3:5432:5432"],
    }
    assert "STACK_BIND=10.0.0.1\n" in (three.into / "logos" / ".env").read_text()


def test_everything_between_nodes_goes_over_tls(three: Site) -> None:
    for node in ("logos", "pathos", "ethos"):
        asked = three.services(node)["worker"]["environment"]["MALGWI_STORE__URL"]
        queue = (three.into / node / "secrets" / "redis_url").read_text()
        assert "?sslmode=verify-full&sslrootcert=/run/secrets/authority" in asked
        assert queue.startswith("rediss://") and "ssl_cert_reqs=required" in queue
    worker = three.services("pathos")["worker"]["environment"]
    assert worker["MALGWI_STORE__MEDIA_URL"] == "https://10.0.0.1:8444"
    assert "--port 0 " in three.services("logos")["redis"]["command"]
    access = (three.into / "ethos" / "postgres" / "pg_hba.conf").read_text()
    assert all(line.startswith(("hostssl", "local")) for line in access.splitlines())
    assert {"10.0.0.1/32", "10.0.0.2/32"} == set(re.findall(r"10\.0\.0\.\S+", access))


def test_only_what_asks_another_node_has_a_way_out(three: Site) -> None:
    leading = {
        node: {
            name
            for name, service in three.services(node).items()
            if not all(
                (three.compose(node)["networks"][network] or {}).get("internal")
                for network in service["networks"]
            )
        }
        for node in ("logos", "pathos", "ethos")
    }

    assert leading == {
        "logos": {"nginx", "models", "api", "worker", "reaper", "migrate", "redis"},
        "pathos": {"worker", "worker-1", "models"},
        "ethos": {"postgres", "worker", "models"},
    }


def test_a_node_has_the_secrets_of_its_services_and_no_others(three: Site) -> None:
    asking = {"postgres_password", "redis_url", "engine_key", "authority", "media_key"}

    assert three.secrets("pathos") == asking
    assert three.secrets("ethos") == {*asking, "node_certificate", "node_key"}
    assert "redis_password.conf" in three.secrets("logos")
    for node in ("logos", "pathos", "ethos"):
        assert three.secrets(node) == {
            Path(each["file"].partition("./")[2].rstrip("}")).name
            for each in three.compose(node)["secrets"].values()
        }


def test_nobody_else_gets_through_to_the_secrets(site: Site) -> None:
    before = os.umask(0)
    try:
        site.three()
    finally:
        os.umask(before)

    for folder in (".secrets", "logos/secrets", "pathos/secrets"):
        assert stat.S_IMODE((site.into / folder).stat().st_mode) == 0o700
    for path in (site.into / ".secrets").iterdir():
        assert path.is_dir() or stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_container_reads_what_is_mounted_whoever_rendered_it(site: Site) -> None:
    """Another user is in it, and sees the rights of a folder that is mounted."""
    before = os.umask(0o077)
    try:
        site.three()
    finally:
        os.umask(before)

    assert stat.S_IMODE((site.into / "ethos" / "postgres").stat().st_mode) == 0o755


def test_a_certificate_is_for_its_node_and_of_our_authority(three: Site) -> None:
    trusting = ssl.create_default_context(cafile=three.into / "logos" / "secrets" / "authority")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own = three.into / "logos" / "secrets"
    server.load_cert_chain(own / "node_certificate", own / "node_key")

    assert _shake_hands(trusting, server, "10.0.0.1")
    assert _shake_hands(trusting, server, "redis")
    with pytest.raises(ssl.SSLCertVerificationError):
        _shake_hands(trusting, server, "10.0.0.3")
    with pytest.raises(ssl.SSLCertVerificationError):
        _shake_hands(ssl.create_default_context(), server, "10.0.0.1")


def _shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> bool:
    """In memory."""
    there, here = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(there, here, server_hostname=name),
        server.wrap_bio(here, there, server_side=True),
    )
    for _ in range(3):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return ends[0].cipher() is not None


def test_rendering_again_changes_nothing(site: Site) -> None:
    first = site.three()
    before = site.files()

    again = site.three()

    assert first.written and not again.any
    assert site.files() == before


def test_another_node_changes_what_it_must_and_nothing_else(site: Site) -> None:
    site.three()

    changes = site.render(LOGOS, PATHOS, ETHOS, FOURTH)

    assert {str(path) for path in changes.written if path.parts[0] != "nomos"} == {
        "ethos/postgres/pg_hba.conf"
    }
    assert "10.0.0.4/32" in (site.into / "ethos" / "postgres" / "pg_hba.conf").read_text()
    assert not changes.removed
    # Of a file that is mounted by itself a container sees the one of its start, whatever is there.
    assert "./postgres:/etc/malgwi:ro" in site.services("ethos")["postgres"]["volumes"]


def test_a_node_that_goes_takes_its_files_with_it_and_nobody_elses(site: Site) -> None:
    site.render(LOGOS, PATHOS, ETHOS, FOURTH)
    (site.into / "pathos" / "notes.txt").write_text("of the operator")
    (site.into / "pathos" / "secrets" / "mine").write_text("of the operator")

    changes = site.render(LOGOS, ETHOS, FOURTH)

    assert {path.parts[0] for path in changes.removed} == {"pathos"}
    assert sorted(
        str(each.relative_to(site.into)) for each in (site.into / "pathos").rglob("*")
    ) == [
        "pathos/notes.txt",
        "pathos/secrets",
        "pathos/secrets/mine",
    ]
    site.three()
    assert not (site.into / "nomos").exists()


def test_another_address_makes_another_certificate_and_keeps_the_secrets(site: Site) -> None:
    site.three()
    before = site.files()

    site.render(LOGOS.replace("10.0.0.1", "10.0.0.9"), PATHOS, ETHOS)

    after = site.files()
    changed = {name for name in after if after[name] != before.get(name)}
    assert {"logos/secrets/node_certificate", "pathos/compose.yaml"} <= changed
    assert "pathos/secrets/redis_url" in changed
    assert after["logos/secrets/admin_key"] == before["logos/secrets/admin_key"]
    assert after["logos/secrets/authority"] == before["logos/secrets/authority"]


def test_a_certificate_whose_key_is_another_is_made_anew(site: Site) -> None:
    """A kill between the two."""
    site.three()
    certificate, key = (site.into / ".secrets" / "nodes" / name for name in ("logos", "ethos_key"))
    key.with_name("logos_key").write_bytes(key.read_bytes())
    before = certificate.read_bytes()

    site.three()

    assert certificate.read_bytes() != before
    own = site.into / "logos" / "secrets"
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(own / "node_certificate", own / "node_key")


def test_looking_changes_nothing(site: Site) -> None:
    changes = site.three(check=True)

    assert changes.written and not site.into.exists()


def test_a_file_that_was_changed_by_hand_is_made_anew_and_said(site: Site) -> None:
    site.three()
    (site.into / "pathos" / "compose.yaml").write_text("services: {}")

    [written] = site.three().written

    assert str(written) == "pathos/compose.yaml" and "engine" in site.services("pathos")


def test_what_was_not_made_by_rendering_is_not_replaced(site: Site) -> None:
    (site.into / "logos").mkdir(parents=True)
    (site.into / "logos" / "compose.yaml").write_text("services: {}")

    with pytest.raises(BadOption, match="was not made by rendering"):
        site.three()

    assert list(site.files()) == ["logos/compose.yaml"]


def test_a_disk_that_is_full_leaves_everything_as_it_was(site: Site, tmp_path: Path) -> None:
    site.three()
    before = site.files()
    blocked = site.into / "nomos"
    blocked.write_text("a file where a folder is to be")

    with pytest.raises(BadOption, match="cannot be written"):
        site.render(LOGOS, PATHOS, ETHOS, FOURTH)

    blocked.unlink()
    assert site.files() == before


def test_one_server_has_it_all_and_asks_nobody(site: Site) -> None:
    site.render("server: {address: 10.0.0.1, roles: [web, data], gpus: [GPU-a, GPU-b]}")
    services = site.services("server")

    assert {"postgres", "redis", "api", "engine", "engine-1", "worker", "worker-1"} < set(services)
    assert [name for name, each in services.items() if "ports" in each] == ["nginx"]
    assert "between" not in site.compose("server")["networks"]
    assert "sslmode" not in services["api"]["environment"]["MALGWI_STORE__URL"]


def test_an_api_without_an_engine_asks_that_of_another_node(site: Site) -> None:
    site.render("logos: {address: 10.0.0.1, roles: [web]}", PATHOS, ETHOS)
    api, door = site.services("logos")["api"], site.services("pathos")["nginx"]

    assert api["environment"]["MALGWI_STT__ENDPOINT"] == "https://10.0.0.2:8003"
    assert json.loads(api["environment"]["MALGWI_STT__OPTIONS"])["ca_file"] == (
        "/run/secrets/authority"
    )
    assert door["ports"] == ["10.0.0.2:8003:8445"]
    assert set(door["depends_on"]) == {"engine"}
    assert (site.into / "pathos" / "nginx" / "engine.conf").exists()
    assert not (site.into / "pathos" / "nginx" / "site.conf").exists()
    assert "engines" in site.services("pathos")["engine-1"]["networks"]["back"]["aliases"]


def test_settings_reach_the_nodes(site: Site) -> None:
    site.three(settings="{MALGWI_STT__MODEL: whisper-small, STACK_HTTPS_PORT: 8443}")

    assert "STACK_HTTPS_PORT=8443\n" in (site.into / "logos" / ".env").read_text()
    assert "MALGWI_STT__MODEL=whisper-small\n" in (site.into / "pathos" / ".env").read_text()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("{MALGWI_STT__MODLE: x}", "Is MALGWI_STT__MODEL meant?"),
        ("{COMPOSE_FILE: x}", "follows from the inventory"),
        ("{STACK_BIND: x}", "follows from the inventory"),
        ('{MALGWI_STT__MODEL: "it\'s"}', "which no .env can have"),
    ],
)
def test_a_setting_that_is_none_is_refused(site: Site, settings: str, said: str) -> None:
    with pytest.raises(BadOption, match=re.escape(said)):
        site.three(settings=settings)


def test_where_there_is_no_deploy_it_says_so(site: Site, tmp_path: Path) -> None:
    site.three()

    with pytest.raises(BadOption, match="--source names the folder deploy"):
        render(read_inventory(site.inventory), tmp_path / "nothing", site.into)


@pytest.mark.parametrize("name", ["example", "single"])
def test_the_command_says_what_it_made_and_what_would_change(tmp_path: Path, name: str) -> None:
    command = ["deploy", "render", "--source", str(SOURCE), "--into", str(tmp_path / "nodes")]
    command += ["--inventory", str(SOURCE / f"inventory.{name}.yaml")]

    looked = CliRunner().invoke(main, [*command, "--check"])
    made = CliRunner().invoke(main, command)
    again = CliRunner().invoke(main, [*command, "--check"])

    assert (looked.exit_code, made.exit_code, again.exit_code) == (1, 0, 0), made.output
    assert "compose.yaml" in made.output and "./up.sh" in made.output
    assert "0 unchanged" in looked.output and "written" not in again.output


@pytest.mark.parametrize("name", ["example", "single"])
def test_compose_understands_what_is_made(tmp_path: Path, name: str) -> None:
    docker = shutil.which("docker") or "docker"
    try:
        subprocess.run([docker, "compose", "version"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("There is no docker compose here to ask.")
    read = read_inventory(SOURCE / f"inventory.{name}.yaml")
    render(read, SOURCE, tmp_path)

    for node in read.nodes:
        done = subprocess.run(
            [docker, "compose", "config", "--quiet"],
            cwd=tmp_path / node.name,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
