"""`malgwi doctor --all-nodes` over services that run: an API with its queue and its recordings on
one node, an engine and a worker on another, the database on a third."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import deadline
import pytest
from audio.soundfiles import tone, write
from jobs.servers import RedisServer
from ops.doctor.nodes import (
    ETHOS,
    LOGOS,
    PATHOS,
    QUEUES,
    Authority,
    Relay,
    doors,
    free_port,
    three,
)
from ops.doctor.pretended import assert_amiss
from pydantic import SecretStr
from store.postgresql import PostgreSQL
from test_library import library
from test_media_elsewhere import worker
from test_serving import ENGINE, engine, environment

from malgwi.config import Config, JobsConfig, StoreConfig, SttConfig
from malgwi.jobs import Facts, Presence, present
from malgwi.ops.doctor import (
    Examination,
    Machine,
    Ports,
    Result,
    State,
    Subject,
    chosen,
    examine,
    facts,
    node_checks,
    unchanging,
)
from malgwi.ops.nodes import Inventory
from malgwi.store import Elsewhere, MediaSource
from malgwi.store.ids import new_id

KEY = "a-key-for-media-that-nobody-guesses"
ADMIN = "the-key-of-an-administrator"
TIMES = 10
until = partial(deadline.until, seconds=90.0)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass
class Cluster:
    """Three nodes, looked at from that of the web."""

    config: Config
    inventory: Inventory
    ports: Ports
    authority: Path
    database: Relay
    """The door to it."""

    def look(self, inventory: Inventory | None = None) -> Examination:
        """Again where this machine was too busy for a check to end in time, or for its loopback to
        be near."""
        checks = chosen(node_checks(inventory or self.inventory, self.ports), skip=["NODE-005"])
        for _ in range(TIMES):
            found = examine(Subject(self.config, Machine()), checks)
            if not found.count(State.CRASH):
                break
        return found

    def told(self) -> bool:
        """Whether the worker and the API have looked how they are."""
        assert self.config.jobs.broker
        found = present(self.config.jobs.broker.get_secret_value())
        return sum("database" in each for each in found) >= 2


@pytest.fixture(scope="module")
def cluster(
    tmp_path_factory: pytest.TempPathFactory, server: PostgreSQL, redis: RedisServer
) -> Iterator[Cluster]:
    redis.forget_all()
    folder, node, heard = (tmp_path_factory.mktemp(each) for each in ("logos", "pathos", "engine"))
    authority = Authority(folder)
    key, engine_key = folder / "media_key", folder / "engine_key"
    key.write_text(KEY)
    engine_key.write_text("the-key-of-the-engines")
    name = f"nodes_{new_id()}"
    https, http = free_port(), free_port()
    ports = Ports(free_port(), free_port(), free_port(), free_port(), inner=())
    settings = {
        "MALGWI_STORE__URL": server.create(name),
        "MALGWI_JOBS__QUEUE": "celery",
        "MALGWI_JOBS__BROKER": redis.url,
        "MALGWI_JOBS__WORKERS": "1",
    }
    serving = {"MALGWI_ENGINE__KEYS": ADMIN, "MALGWI_SERVE__MEDIA_KEY_FILE": str(key)}
    with ExitStack() as running:
        running.callback(server.drop, name)
        ears = running.enter_context(engine(heard, MALGWI_ENGINE__KEYS="the-key-of-the-engines"))
        until(lambda: ears.http.get("/health/ready").is_success)
        gateway = running.enter_context(library(folder, **settings, **serving))
        gateway.http.headers["authorization"] = f"Bearer {ADMIN}"
        api = (LOGOS, gateway.http.base_url.port or 0)
        postgres = urlsplit(settings["MALGWI_STORE__URL"])
        opened = [
            Relay(LOGOS, https, api, authority.context(LOGOS)),
            Relay(LOGOS, http, api),
            Relay(LOGOS, ports.media, api, authority.context(LOGOS)),
            Relay(LOGOS, ports.queue, (LOGOS, redis.port), authority.context(LOGOS)),
            Relay(
                PATHOS,
                ports.engine,
                (LOGOS, ears.http.base_url.port or 0),
                authority.context(PATHOS),
            ),
            Relay(
                ETHOS,
                ports.database,
                (LOGOS, postgres.port or 0),
                authority.context(ETHOS),
                postgresql=True,
            ),
        ]
        running.enter_context(doors(*opened))
        sound = write(folder / "sound.wav", tone(300.0, 2.0, 16_000), 16_000)
        made = gateway.submit(sound, languages="en")
        elsewhere = {
            "MALGWI_JOBS__NODE": "pathos",
            "MALGWI_STORE__MEDIA_URL": f"https://{LOGOS}:{ports.media}",
            "MALGWI_STORE__MEDIA_KEY_FILE": str(key),
            "MALGWI_STORE__MEDIA_CA_FILE": str(authority.file),
            "STT_ENDPOINT": ears.url,
            "MALGWI_STT__OPTIONS": json.dumps({"api_key_file": str(engine_key)}),
        }
        running.enter_context(worker(node, settings | elsewhere))
        until(lambda: gateway.job(made["job"]["id"])["state"] == "done")
        config = Config(
            home=folder,
            store=StoreConfig(
                url=SecretStr(settings["MALGWI_STORE__URL"]), media_ca_file=authority.file
            ),
            jobs=JobsConfig(queue="celery", broker=SecretStr(redis.url)),
        )
        cluster = Cluster(config, three(https, http), ports, authority.file, opened[-1])
        until(cluster.told)
        yield cluster


def of(results: Sequence[Result], id: str, node: str) -> Result:
    [found] = [each for each in results if each.id == id and each.symptom.startswith(node)]
    return found


def test_nothing_is_amiss_with_machines_that_are_well(cluster: Cluster) -> None:
    found = cluster.look()

    assert not [each for each in found.results if each.state not in (State.OK, State.SKIP)]
    assert found.seconds < 10  # five, but that this machine is busy
    for id in ("NODE-007", "NODE-008", "NODE-009", "NODE-010", "NODE-011", "NODE-012"):
        assert of(found.results, id, "pathos").state == State.OK, id
    assert "1 of 1" in of(found.results, "NODE-007", "pathos").evidence
    assert of(found.results, "NODE-006", "ethos").state == State.OK
    assert of(found.results, "NODE-010", "logos").state == State.OK


def test_an_engine_that_computes_on_another_device_than_it_should_is_said(
    cluster: Cluster,
) -> None:
    web = cluster.inventory.web.settings
    wished = three(int(web["STACK_HTTPS_PORT"]), int(web["STACK_HTTP_PORT"]), ("GPU-1",))

    found = of(cluster.look(wished).results, "NODE-009", "pathos")

    assert_amiss(found, "fail", "cpu", "cuda")


def test_a_worker_of_another_version_or_with_a_wrong_key_is_said(cluster: Cluster) -> None:
    assert cluster.config.jobs.broker
    stt = SttConfig(endpoint="http://127.0.0.1:9")
    store = cluster.config.store
    source = MediaSource(
        f"https://{LOGOS}:{cluster.ports.media}", "another-key-altogether", cluster.authority
    )
    told = partial(
        facts, cluster.config.model_copy(update={"stt": stt, "store": store}), Elsewhere(source, 1)
    )
    about = {**unchanging("worker", "pathos", QUEUES), "version": "0.0.9"}

    with Presence(cluster.config.jobs.broker.get_secret_value(), about, told):
        until(lambda: len(_of_pathos(cluster)) == 2 and "media" in _of_pathos(cluster)[0])
        found = cluster.look().results

    assert_amiss(of(found, "NODE-008", "pathos"), "fail", "worker 0.0.9")
    assert_amiss(of(found, "NODE-011", "pathos"), "fail", "does not know our key")
    assert_amiss(of(found, "NODE-009", "pathos"), "fail", "refused")
    assert "another-key" not in str(found)


def _of_pathos(cluster: Cluster) -> list[Facts]:
    assert cluster.config.jobs.broker
    found = present(cluster.config.jobs.broker.get_secret_value())
    return sorted(
        (each for each in found if each["node"] == "pathos"), key=lambda each: str(each["version"])
    )


def test_where_the_database_is_gone_that_is_one_failure_and_the_rest_is_looked_at(
    cluster: Cluster,
) -> None:
    """At last: the door of the database is not opened again."""
    cluster.database.close()

    found = cluster.look()

    amiss = [each for each in found.results if each.state not in (State.OK, State.SKIP)]
    assert [each.id for each in amiss] == ["NODE-001"], amiss
    assert_amiss(amiss[0], "fail", "ethos", "the database")
    assert found.seconds < 10
    assert of(found.results, "NODE-011", "pathos").state == State.OK


def test_the_command_reads_the_inventory_and_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    def asked(inventory: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", ENGINE, "doctor", "--all-nodes", "--inventory", "-", "--json"],
            env=environment(tmp_path, {}),
            input=inventory,
            capture_output=True,
            text=True,
            check=False,
        )

    one = "schema: 1\nname: x\nnodes: {here: {address: 127.0.0.9, roles: [web, data, analysis]}}\n"
    found = json.loads(asked(one).stdout)

    assert [each["id"] for each in found["checks"] if each["state"] == "fail"] == ["NODE-001"]
    assert found["failed"] and found["seconds"] < 10
    assert "nodes" in asked("schema: 1\nname: x\n").stderr
