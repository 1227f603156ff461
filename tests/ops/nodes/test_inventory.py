"""The inventory is read whole, or refused with all that is wrong with it."""

from pathlib import Path
from typing import get_args

import pytest

from malgwi import workers
from malgwi.errors import BadOption
from malgwi.ops.nodes import Inventory, Queue, read_inventory

DEPLOY = Path(__file__).parents[3] / "deploy"
THREE = """
schema: 1
name: malgwi
nodes:
  logos:  {address: 10.0.0.1, roles: [web], gpus: [GPU-a], queues: [realtime]}
  pathos: {address: 10.0.0.2, roles: [analysis], gpus: [GPU-b, GPU-c]}
  ethos:  {address: 10.0.0.3, roles: [data], gpus: [], queues: [batch]}
"""


def _read(tmp_path: Path, text: str) -> Inventory:
    (tmp_path / "nodes.yaml").write_text(text)
    return read_inventory(tmp_path / "nodes.yaml")


def _refused(tmp_path: Path, old: str, new: str) -> list[str]:
    assert old in THREE
    with pytest.raises(BadOption) as refused:
        _read(tmp_path, THREE.replace(old, new))
    head, *faults = str(refused.value).splitlines()
    assert "nodes.yaml" in head
    return faults or [head]


def test_it_says_who_is_what(tmp_path: Path) -> None:
    three = _read(tmp_path, THREE)

    assert [node.name for node in three.nodes] == ["logos", "pathos", "ethos"]
    assert (three.web.name, three.data.name) == ("logos", "ethos")
    assert three.node("pathos").gpus == ("GPU-b", "GPU-c")


def test_a_gpu_has_an_engine_and_who_works_without_one_has_one_too(tmp_path: Path) -> None:
    three = _read(tmp_path, THREE.replace(", queues: [batch]", ""))

    assert {node.name: node.engines for node in three.nodes} == {
        "logos": 1,
        "pathos": 2,
        "ethos": 0,
    }
    on_cpu = _read(tmp_path, THREE)
    assert on_cpu.node("ethos").engines == 1 and not on_cpu.node("ethos").gpus


def test_who_analyses_takes_all_jobs_unless_it_is_said_which(tmp_path: Path) -> None:
    three = _read(tmp_path, THREE)

    assert three.node("pathos").queues == workers.QUEUES == get_args(Queue)
    assert three.node("logos").queues == ("realtime",)


def test_the_api_asks_an_engine_of_its_own_node_where_there_is_one(tmp_path: Path) -> None:
    without = THREE.replace("gpus: [GPU-a], queues: [realtime]", "gpus: []")

    assert _read(tmp_path, THREE).hearing.name == "logos"
    assert _read(tmp_path, without).hearing.name == "pathos"


def test_settings_of_a_node_go_before_those_of_all(tmp_path: Path) -> None:
    text = THREE.replace("roles: [web]", "roles: [web], settings: {MALGWI_JOBS__WORKERS: 1}")

    three = _read(tmp_path, f"{text}settings: {{MALGWI_JOBS__WORKERS: 3, MALGWI_OFFLINE: 1}}")

    assert three.web.settings == {"MALGWI_JOBS__WORKERS": "1", "MALGWI_OFFLINE": "1"}
    assert three.data.settings["MALGWI_JOBS__WORKERS"] == "3"


@pytest.mark.parametrize("name", ["example", "single"])
def test_the_examples_are_taken(name: str) -> None:
    assert read_inventory(DEPLOY / f"inventory.{name}.yaml").name == "malgwi"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("queues: [realtime]", "queue: [realtime]", "node logos: there is no key 'queue'. Is"),
        ("roles: [analysis]", "roles: [analysys]", "no role 'analysys'. Is analysis meant?"),
        ("queues: [batch]", "queues: [bach]", "there is no queue 'bach'. Is batch meant?"),
        ("schema: 1", "schema: 2", "schema is 2, and this program knows 1 only."),
        ("schema: 1\n", "", "inventory: schema is missing."),
        ("address: 10.0.0.1, ", "", "node logos: address is missing."),
        ("name: malgwi", "name: malgwi\nnode: {}", "no key 'node'. Is nodes meant?"),
        ("name: malgwi", "name: Mal Gwi", "name: 'Mal Gwi' is none for a compose project"),
        ("10.0.0.2", "10.0.0.1", "The address 10.0.0.1 is that of two nodes."),
        ("GPU-c", "GPU-b", "The GPU GPU-b is there twice."),
        ("GPU-c", "'1'", "'1' is no UUID of a GPU. `nvidia-smi -L` shows them"),
        ("pathos:", "logos:", "'logos' is there twice. Take one away."),
        ("pathos:", "Pathos_1:", "its name may have small letters"),
        ("[data]", "[web, data]", "logos and ethos have the role web"),
        ("[data]", "[]", "No node has the role data, where the database is. Give it to one."),
        ("[web]", "[analysis]", "No node has the role web"),
        ("10.0.0.3", "10.0.0.300", "'10.0.0.300' is neither an IPv4 address nor a host name."),
        ("10.0.0.3", "10.0.0", "'10.0.0' is neither"),
        ("10.0.0.3", "'fe80::1'", "'fe80::1' is neither"),
        ("10.0.0.3", "0.0.0.0", "'0.0.0.0' is neither"),
        ("10.0.0.3", "'a b'", "'a b' is neither"),
        ("10.0.0.3", "ethos.local", "Add the one that ethos.local has there, as bind:"),
        ("10.0.0.3", "127.0.0.3", "127.0.0.3 leads to each machine itself, not to this one."),
        ("address: 10.0.0.3", "address: a, bind: b", "bind is 'b', which is no IPv4 address"),
        ("address: 10.0.0.3", "address: [1]", "node ethos: address is wrong"),
        ("nodes:", "nodes: [", "line "),
        ("queues: [batch]", "queues: [batch, batch]", "the queue batch is there twice."),
        ("roles: [web]", 'roles: [web], settings: {A: "x\\ny"}', "setting A has more than one"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert any(said in fault for fault in _refused(tmp_path, old, new))


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    faults = _refused(tmp_path, "10.0.0.3, roles: [data]", "10.0.0.2, roles: [web]")

    assert len(faults) == 3


def test_a_queue_whose_jobs_nobody_would_do_is_said(tmp_path: Path) -> None:
    text = THREE.replace("GPU-c]", "GPU-c], queues: [analysis]").replace("[batch]", "[analysis]")

    with pytest.raises(BadOption, match="No node does the jobs of the queue batch"):
        _read(tmp_path, text)


def test_a_node_without_anything_to_do_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="node idle: it has nothing to do"):
        _read(tmp_path, f"{THREE}  idle: {{address: 10.0.0.9}}\n")


def test_a_host_name_is_taken_with_the_address_to_listen_at(tmp_path: Path) -> None:
    text = THREE.replace("address: 10.0.0.3", "address: ethos.example, bind: 10.0.0.3")

    ethos = _read(tmp_path, text).data

    assert (ethos.address, ethos.bind) == ("ethos.example", "10.0.0.3")


@pytest.mark.parametrize("content", [b"", b"just words", b"[1, 2]", b"\xff\xfe", b"a: &a [*a]"])
def test_what_is_no_inventory_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "nodes.yaml").write_bytes(content)

    with pytest.raises(BadOption):
        read_inventory(tmp_path / "nodes.yaml")


def test_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="cannot be read"):
        read_inventory(tmp_path / "nothing.yaml")


def test_a_node_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match=r"No node is called 'patos'\. Is pathos meant"):
        _read(tmp_path, THREE).node("patos")
