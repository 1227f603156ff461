"""All machines of an inventory, looked at from one of them: real doors at addresses of this one."""

import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from ops.doctor.nodes import ETHOS, LOGOS, PATHOS, Authority, Relay, doors, free_port, three
from ops.doctor.pretended import assert_amiss, pretend, subject

from malgwi.errors import BadOption
from malgwi.ops.doctor import (
    NODE_CHECKS,
    Ports,
    Result,
    State,
    Subject,
    chosen,
    examine,
    node_checks,
)

TIMES = 5


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


class Cluster:
    """Three nodes with doors, and nobody behind them."""

    def __init__(self, authority: Authority, folder: Path) -> None:
        self.folder, self._authority = folder, authority
        https, http = free_port(), free_port()
        self.ports = Ports(free_port(), free_port(), free_port(), free_port(), inner=(free_port(),))
        self.inventory = three(https, http)
        self._doors = {
            ("logos", https): self.relay(LOGOS, https),
            ("logos", http): Relay(LOGOS, http),
            ("logos", self.ports.media): self.relay(LOGOS, self.ports.media),
            ("logos", self.ports.queue): self.relay(LOGOS, self.ports.queue),
            ("pathos", self.ports.engine): self.relay(PATHOS, self.ports.engine),
            ("ethos", self.ports.database): self.relay(ETHOS, self.ports.database, postgresql=True),
        }

    def relay(
        self,
        address: str,
        port: int,
        context: ssl.SSLContext | None = None,
        *,
        postgresql: bool = False,
    ) -> Relay:
        secured = context or self._authority.context(address)
        return Relay(address, port, None, secured, postgresql=postgresql)

    def close(self, node: str, port: int | None = None) -> None:
        for (name, at), door in self._doors.items():
            if name == node and port in (None, at):
                door.close()

    def replace(self, node: str, port: int, door: Relay) -> None:
        self._doors[node, port] = door

    def look(self, *only: str) -> Sequence[Result]:
        """Again where this machine was too busy for a check to end in time."""
        checks = chosen(node_checks(self.inventory, self.ports), only)
        for _ in range(TIMES):
            found = examine(self.patient, checks).results
            if not any(each.state is State.CRASH for each in found):
                break
        return found

    @property
    def patient(self) -> Subject:
        settings = {"store": {"media_ca_file": self._authority.file}}
        return subject(pretend(self.folder), self.folder, settings)

    def end(self) -> None:
        for each in self._doors.values():
            each.close()


@pytest.fixture
def cluster(authority: Authority, tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(authority, tmp_path)
    yield made
    made.end()


def of(results: Sequence[Result], node: str) -> Result:
    [found] = [each for each in results if each.symptom.startswith(f"{node} ")]
    return found


def test_where_all_doors_stand_nothing_is_amiss_with_them(cluster: Cluster) -> None:
    found = cluster.look(*(f"NODE-{number:03}" for number in range(1, 5)))
    near = cluster.look("NODE-005")

    assert {each.state for each in found} == {State.OK}, found
    assert len(found) == 12
    assert {each.state for each in near} <= {State.OK, State.WARN}
    assert "ms" in near[0].evidence


def test_a_node_that_is_gone_is_one_failure_that_says_what_it_carries(cluster: Cluster) -> None:
    cluster.close("ethos")

    found = cluster.look("NODE")

    failed = [each for each in found if each.state in (State.FAIL, State.CRASH)]
    gone = [each for each in failed if each.symptom.startswith("ethos")]
    assert [each.id for each in gone] == ["NODE-001"]
    assert_amiss(gone[0], "fail", ETHOS, str(cluster.ports.database), "the database")
    assert "./up.sh" in gone[0].remedy
    skipped = "ethos does not answer; NODE-001 says so."
    assert sum(each.symptom == skipped for each in found) >= 11
    assert of(cluster.look("NODE-002"), "logos").state == "ok"


def test_a_node_that_says_nothing_keeps_nobody_waiting(
    cluster: Cluster, authority: Authority
) -> None:
    """It takes connections and answers nothing, as a machine that is wedged."""
    cluster.close("logos")
    with socket.create_server((LOGOS, 0), backlog=1) as wedged:
        port = wedged.getsockname()[1]
        cluster.inventory = three(port, port)
        began = examine(cluster.patient, node_checks(cluster.inventory, cluster.ports))

    assert began.seconds < 10  # five, but that this machine is busy
    assert of([each for each in began.results if each.id == "NODE-002"], "pathos").state == "ok"


def test_a_port_that_does_not_answer_is_named(cluster: Cluster) -> None:
    cluster.close("logos", cluster.ports.media)

    found = of(cluster.look("NODE-002"), "logos")

    assert_amiss(found, "fail", f"{cluster.ports.media} (the recordings)", "refused")
    assert of(cluster.look("NODE-001"), "logos").state == "ok"


def test_a_port_that_nobody_needs_is_named(cluster: Cluster) -> None:
    [inner] = cluster.ports.inner

    with doors(Relay(ETHOS, inner), Relay(PATHOS, cluster.ports.queue)):
        found = cluster.look("NODE-003")

    assert_amiss(of(found, "ethos"), "fail", str(inner))
    assert_amiss(of(found, "pathos"), "fail", str(cluster.ports.queue))
    assert of(found, "logos").state == "ok"


def test_a_certificate_of_somebody_else_or_for_somewhere_else_does_not_count(
    cluster: Cluster, authority: Authority, tmp_path: Path
) -> None:
    port, database = cluster.ports.engine, cluster.ports.database
    (tmp_path / "others").mkdir()
    stranger = Authority(tmp_path / "others", "strangers")
    cluster.close("pathos")
    cluster.close("ethos")
    cluster.replace("pathos", port, cluster.relay(PATHOS, port, stranger.context(PATHOS)))
    cluster.replace(
        "ethos",
        database,
        cluster.relay(ETHOS, database, authority.context("10.0.0.9"), postgresql=True),
    )

    found = cluster.look("NODE-004")

    assert_amiss(of(found, "pathos"), "fail", "does not count", str(port))
    assert_amiss(of(found, "ethos"), "fail", "does not count", "127.0.0.3")
    assert of(found, "logos").state == "ok"


def test_a_certificate_of_ones_own_for_people_is_not_held_to_our_authority(
    cluster: Cluster, tmp_path: Path
) -> None:
    """It is for a name that the inventory does not know, and browsers know who gave it out."""
    (tmp_path / "others").mkdir()
    stranger = Authority(tmp_path / "others", "strangers")
    web = cluster.inventory.web
    port = int(web.settings["STACK_HTTPS_PORT"])
    cluster.close("logos", port)
    cluster.replace("logos", port, cluster.relay(LOGOS, port, stranger.context("10.0.0.9")))

    held = of(cluster.look("NODE-004"), "logos")
    settings = {**web.settings, "STACK_TLS_CERTIFICATE": "/etc/ours.pem"}
    nodes = (replace(web, settings=settings), *cluster.inventory.nodes[1:])
    cluster.inventory = replace(cluster.inventory, nodes=nodes)
    own = of(cluster.look("NODE-004"), "logos")

    assert_amiss(held, "fail", "does not count", str(port))
    assert own.state == "ok"


def test_a_database_without_tls_is_said(cluster: Cluster) -> None:
    database = cluster.ports.database
    cluster.close("ethos")
    cluster.replace("ethos", database, Relay(ETHOS, database, postgresql=True))

    assert_amiss(of(cluster.look("NODE-004"), "ethos"), "fail", "without TLS")


def test_where_no_authority_is_known_certificates_are_not_looked_at(cluster: Cluster) -> None:
    patient = subject(pretend(cluster.folder), cluster.folder)
    checks = chosen(node_checks(cluster.inventory, cluster.ports), ["NODE-004"])

    found = examine(patient, checks).results

    assert {each.state for each in found} == {State.SKIP}
    assert "container api" in found[0].symptom


def test_a_door_with_nobody_behind_it_is_said(cluster: Cluster) -> None:
    found = cluster.look("NODE-012")

    assert_amiss(of(found, "logos"), "fail", "nobody behind the door")
    assert_amiss(of(found, "pathos"), "fail", "nobody behind the engine of the API")
    assert of(found, "ethos").state == "skip"


def test_without_a_queue_nothing_is_said_of_workers_and_nothing_breaks(cluster: Cluster) -> None:
    ids = [f"NODE-{number:03}" for number in range(6, 12)]

    assert {each.state for each in cluster.look(*ids)} <= {State.SKIP, State.OK}


def test_each_check_is_made_for_each_node_and_ids_can_be_chosen(cluster: Cluster) -> None:
    checks = node_checks(cluster.inventory)

    assert len(checks) == 3 * len(NODE_CHECKS)
    assert len(chosen(checks, ["NODE-001"])) == 3
    with pytest.raises(BadOption, match="The groups are: NODE"):
        chosen(checks, ["DB"])
