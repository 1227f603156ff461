"""What Prometheus and Grafana are given: whole, in step with the metrics, and theirs to read."""

import json
import re
from collections.abc import Iterator
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import deadline
import httpx
import pytest
import yaml
from audio.soundfiles import tone, write
from conftest import missing
from deploy.composed import DEPLOY, default, read, services
from deploy.prometheus import MONITORING, NoPrometheus, groups, program, prometheus, promtool
from test_library import library

from malgwi.gateway import METRICS

GRAFANA = MONITORING / "grafana"
DASHBOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))
SOURCE = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yaml").read_text("utf-8"))
FRAGMENT = DEPLOY / "compose" / "monitoring.yaml"
OWN = (":/prometheus", ":/var/lib/grafana")
"""Where Prometheus and Grafana keep what is theirs."""
BUILT_IN = {"row", "stat", "table", "timeseries"}
NOT_HERE = {
    "malgwi_gpu_info",
    "malgwi_gpu_memory_free_bytes",
    "malgwi_gpu_memory_total_bytes",
    "malgwi_device_fallback_info",
    "malgwi_backup_last_success_timestamp_seconds",
}
"""Metrics that there are none of without a card, without one asked for, and without a backup."""
EXPORTERS = re.compile(r"(node|container)_\w+|up|ALERTS")
until = partial(deadline.until, seconds=60.0)


def generated() -> dict[Path, str]:
    """The dashboards, as their source writes them."""
    spec = spec_from_file_location("dashboards", GRAFANA / "dashboards.py")
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.texts())


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            yield path.stem, panel


def queries() -> dict[str, str]:
    """What dashboards and rules ask, by where."""
    found = {
        f"{name}: {panel['title']} {target['refId']}": target["expr"]
        for name, panel in panels()
        for target in panel.get("targets", ())
    }
    rules = [rule for group in groups() for rule in group.rules]
    return found | {f"rule: {rule.get('alert') or rule['record']}": rule["expr"] for rule in rules}


def metrics_in(query: str) -> set[str]:
    """The names of ours, and of the exporters, that a query has."""
    plain = re.sub(r'"[^"]*"', "", query)
    return set(re.findall(r"\b(?:malgwi[:_][\w:]+|(?:node|container)_\w+)", plain))


def known() -> set[str]:
    """All names that are ours: metrics as Prometheus stores them, and recording rules."""
    plain = {each.name for each in METRICS if each.kind != "histogram"}
    buckets = {each.name for each in METRICS if each.kind == "histogram"}
    parts = {f"{name}_{part}" for name in buckets for part in ("bucket", "sum", "count")}
    return plain | parts | {str(rule.get("record")) for group in groups() for rule in group.rules}


def test_dashboards_are_what_their_source_says() -> None:
    assert {path: path.read_text("utf-8") for path in DASHBOARDS} == generated()


def test_dashboards_need_no_plugin_and_no_hand() -> None:
    for path in DASHBOARDS:
        dashboard = json.loads(path.read_text("utf-8"))
        assert dashboard["editable"] is False
        assert dashboard["uid"] == f"malgwi-{path.stem}"
    for name, panel in panels():
        assert panel["type"] in BUILT_IN, f"{name}: {panel['title']}"
        for target in panel.get("targets", ()):
            assert target["datasource"]["uid"] == SOURCE["datasources"][0]["uid"]


def test_panels_do_not_lie_on_each_other() -> None:
    for path in DASHBOARDS:
        taken: set[tuple[int, int]] = set()
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            at = panel["gridPos"]
            own = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
            assert not own & taken and at["x"] + at["w"] <= 24, f"{path.stem}: {panel['title']}"
            taken |= own


def test_every_metric_that_is_asked_for_is_one_that_there_is() -> None:
    there = known()
    for where, query in queries().items():
        for name in metrics_in(query):
            assert name in there or EXPORTERS.fullmatch(name), f"{where} asks for {name}"


def test_every_metric_is_looked_at_by_somebody() -> None:
    asked = set().union(*map(metrics_in, queries().values()))
    seen = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked} | asked

    assert {each.name for each in METRICS} - seen == {
        "malgwi_model_load_seconds",
        "malgwi_uploads_active",
        "malgwi_watch_files_waiting",
    }


def test_a_check_of_doctor_that_is_named_is_one() -> None:
    from malgwi.ops import doctor

    ids = {each.id for each in doctor.CHECKS}
    text = "".join(path.read_text("utf-8") for path in [*DASHBOARDS, *_rule_files()])

    named = set(re.findall(r"(?:doctor: |--explain )([A-Z]+-\d{3})", text))

    assert named and named <= ids


def test_what_watches_is_bounded_writes_where_it_must_and_says_how_it_is() -> None:
    for name, each in services(FRAGMENT).items():
        if name == "nginx":
            continue
        assert each["read_only"] is True and each["cap_drop"] == ["ALL"], name
        assert "privileged" not in each and "cap_add" not in each, name
        assert {"mem_limit", "pids_limit", "healthcheck", "logging"} <= set(each), name
        assert all(volume.endswith(("ro", "ro,rslave", *OWN)) for volume in each["volumes"]), name


def test_prometheus_and_grafana_are_within_bounds_and_tell_nobody() -> None:
    prometheus, grafana = (services(FRAGMENT)[name] for name in ("prometheus", "grafana"))
    bounds = {each.split("=")[0]: default(each.split("=")[1]) for each in prometheus["command"]}
    said = grafana["environment"]

    assert bounds["--storage.tsdb.retention.time"] == "30d"
    assert bounds["--storage.tsdb.retention.size"] == "5GB"
    assert {each for each in said if "CHECK" in each or "REPORTING" in each} == {
        "GF_ANALYTICS_CHECK_FOR_UPDATES",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES",
        "GF_ANALYTICS_REPORTING_ENABLED",
    }
    assert {said[each] for each in said if each.startswith("GF_ANALYTICS")} == {"false"}
    assert (said["GF_SECURITY_DISABLE_GRAVATAR"], said["GF_PLUGINS_PREINSTALL_DISABLED"]) == (
        "true",
        "true",
    )
    assert read(FRAGMENT)["networks"] == {"watch": {"internal": True}}


def _rule_files() -> list[Path]:
    return sorted((MONITORING / "prometheus" / "rules").glob("*.yaml"))


@pytest.mark.slow
def test_prometheus_scrapes_it_and_answers_every_query_of_dashboards_and_rules(
    tmp_path: Path,
) -> None:
    try:
        program("prometheus")
    except NoPrometheus as error:
        missing(str(error))
    (tmp_path / "watched").mkdir()
    sound = write(tmp_path / "sound.wav", tone(440.0, 2.0, 16_000), 16_000)

    with library(tmp_path, MALGWI_SERVE__WATCH=str(tmp_path / "watched")) as running:
        made = running.submit(sound)
        until(lambda: running.job(made["job"]["id"])["state"] == "done")
        running.http.get("/health/ready")  # has the engine hear its canary
        promtool("check", "metrics", given=running.http.get("/metrics").text)

        with prometheus(tmp_path, running.http.base_url.netloc.decode()) as asked:
            until(lambda: _has(asked, "malgwi:jobs:max"))
            until(lambda: all(each == "ok" for each in _health_of_rules(asked)))

            for where, query in queries().items():
                answer = asked.get("/api/v1/query", params={"query": query}).json()
                assert answer["status"] == "success", f"{where}: {answer.get('error')}"
            assert _has(asked, 'malgwi_pieces_total{outcome="words"} >= 1')
            there = set(asked.get("/api/v1/label/__name__/values").json()["data"])

    wanted = set().union(*map(metrics_in, queries().values()))
    assert {each for each in wanted - there if each.startswith("malgwi_")} == NOT_HERE


def _has(asked: httpx.Client, query: str) -> bool:
    try:
        answer = asked.get("/api/v1/query", params={"query": query})
    except httpx.TransportError:
        return False
    return answer.is_success and bool(answer.json()["data"]["result"])


def _health_of_rules(asked: httpx.Client) -> list[str]:
    found = asked.get("/api/v1/rules").json()["data"]["groups"]
    return [rule["health"] for group in found for rule in group["rules"]]
