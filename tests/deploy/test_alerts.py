"""Every alert that is shipped fires when it should, and only then, says promtool."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from conftest import missing
from deploy.prometheus import MONITORING, ROOT, RULES, NoPrometheus, alerts, program, promtool

Series = Mapping[str, str]
"""What a series has from minute to minute, in the words of promtool."""
ENGINE = 'job="malgwi-engine", instance="engine:8003"'
MODEL = f'{ENGINE}, engine="faster-whisper", model="base", device="cuda"'
API = 'job="malgwi-api", instance="api:8000"'
GPU = f'{ENGINE}, gpu="GPU-1"'
DISK = 'instance="node-exporter:9100", mountpoint="/", fstype="ext4"'


@dataclass(frozen=True, slots=True)
class Case:
    """What has to have happened by a minute."""

    fires: Series
    quiet: Series
    minute: int = 20
    alerts: int = 1
    """How many there are of it."""
    step: int = 1
    """Minutes between two values of the series, and between two looks at the rules."""


def _batches(processing: int) -> Series:
    return {
        f'malgwi_processing_seconds_total{{{MODEL}, lane="batch"}}': f"0+{processing}x60",
        f'malgwi_audio_seconds_total{{{MODEL}, lane="batch"}}': "0+100x60",
    }


def _lags(within: int) -> Series:
    """Of a hundred live pieces a minute, so many are answered within 2.5 s."""
    name, live = "malgwi_lag_seconds", f'{ENGINE}, lane="live"'
    return {
        f'{name}_bucket{{{live}, le="1"}}': "0+0x90",
        f'{name}_bucket{{{live}, le="2.5"}}': f"0+{within}x90",
        f'{name}_bucket{{{live}, le="10"}}': "0+100x90",
        f'{name}_bucket{{{live}, le="+Inf"}}': "0+100x90",
        f"{name}_count{{{live}}}": "0+100x90",
    }


def _card(free: str) -> Series:
    return {
        f"malgwi_gpu_memory_free_bytes{{{GPU}}}": free,
        f"malgwi_gpu_memory_total_bytes{{{GPU}}}": "24000x60",
    }


def _disk(free: str) -> Series:
    return {
        f"malgwi_disk_free_bytes{{{API}}}": free,
        f"malgwi_disk_size_bytes{{{API}}}": "1000x200",
    }


def _jobs(queued: str, running: str) -> Series:
    return {
        f'malgwi_jobs{{{API}, lane="batch", state="queued"}}': queued,
        f'malgwi_jobs{{{API}, lane="batch", state="running"}}': running,
    }


def _dead(values: str) -> Series:
    return {f'malgwi_jobs{{{API}, lane="batch", state="dead"}}': values}


def _one(name: str, labels: str, values: str) -> Series:
    return {f"{name}{{{labels}}}": values}


UP = "up"
OLDEST, SILENT = "malgwi_job_oldest_age_seconds", "malgwi_jobs_silent"
BATCH, LIVE = f'{API}, lane="batch"', f'{ENGINE}, lane="live"'
FELL = f'{ENGINE}, requested="auto", actual="cpu", reason="no card found"'
GIVEN_UP = f'{API}, state="given_up"'
REJECTED = f'{API}, outcome="rejected"'
WORDS, NOTHING = f'{MODEL}, outcome="words"', f'{MODEL}, outcome="nothing"'
LATEST = "malgwi_watch_last_look_timestamp_seconds"
BACKUP = "malgwi_backup_last_success_timestamp_seconds"
OK, BAD = f'{API}, route="/v1/recordings", status="200"', f'{API}, route="/v1/jobs", status="503"'
REQUESTS = "malgwi_request_duration_seconds_count"
TRIED, FAILURES = "malgwi_jobs_tried_again", "malgwi_sign_in_failures_total"
OOM = 'name="malgwi-engine-1"'

CASES = {
    "MalgwiTargetDown": Case(_one(UP, ENGINE, "1 0x30"), _one(UP, ENGINE, "1 0 1x30"), 4),
    "MalgwiApiGone": Case(_one(UP, ENGINE, "1x30"), _one(UP, API, "1x30"), 10),
    "MalgwiTargetFlapping": Case(
        _one(UP, ENGINE, "1 1 0 1 0 1 1x20"), _one(UP, ENGINE, "1 1 0 1x20"), 10
    ),
    "MalgwiStoreDown": Case(
        _one("malgwi_store_up", API, "1 0x20"), _one("malgwi_store_up", API, "1x20"), 5
    ),
    "MalgwiRequestErrors": Case(
        {**_one(REQUESTS, OK, "0+90x30"), **_one(REQUESTS, BAD, "0+10x30")},
        {**_one(REQUESTS, OK, "0+98x30"), **_one(REQUESTS, BAD, "0+2x30")},
    ),
    "MalgwiSlowerThanSpeech": Case(_batches(120), _batches(90)),
    "MalgwiNearlySlowerThanSpeech": Case(_batches(90), _batches(70)),
    "MalgwiLiveLag": Case(_lags(within=50), _lags(within=100)),
    "MalgwiLiveLateTooOften": Case(_lags(within=80), _lags(within=90), 80),
    "MalgwiEngineQueueOld": Case(
        _one("malgwi_queue_oldest_age_seconds", LIVE, "0 3x20"),
        {
            **_one("malgwi_queue_oldest_age_seconds", LIVE, "1x20"),
            **_one("malgwi_queue_oldest_age_seconds", f'{ENGINE}, lane="batch"', "500x20"),
        },
    ),
    "MalgwiFallBack": Case(_one("malgwi_device_fallback_info", FELL, "1x30"), {}),
    "MalgwiEngineRestarts": Case(
        _one("malgwi_engine_restarts_total", MODEL, "0 0 1 2 3x20"),
        _one("malgwi_engine_restarts_total", MODEL, "0 0 1x20"),
        10,
    ),
    "MalgwiHeardBadly": Case(
        {
            **_one("malgwi_pieces_total", WORDS, "0+50x60"),
            **_one("malgwi_pieces_total", NOTHING, "0+50x60"),
        },
        {
            **_one("malgwi_pieces_total", WORDS, "0+90x60"),
            **_one("malgwi_pieces_total", NOTHING, "0+10x60"),
        },
        50,
    ),
    "MalgwiGpuMemoryLow": Case(_card("1000x60"), _card("12000x60")),
    "MalgwiGpuMemoryFalls": Case(_card("20000-250x60"), _card("20000x30 8000x60"), 45),
    "MalgwiGpuGone": Case(
        _one("malgwi_gpu_info", f'{GPU}, name="RTX", driver="570"', "1x5 stale"),
        _one("malgwi_gpu_info", f'{GPU}, name="RTX", driver="570"', "1x60"),
    ),
    "MalgwiJobsOld": Case(_one(OLDEST, BATCH, "600+60x30"), _one(OLDEST, BATCH, "1200-60x30"), 15),
    "MalgwiNobodyDoesJobs": Case(_jobs("3x30", "0x30"), _jobs("3x30", "1x30")),
    "MalgwiWorkersSilent": Case(_one(SILENT, BATCH, "0 1x20"), _one(SILENT, BATCH, "0 1 0x20")),
    "MalgwiJobsDead": Case(_dead("1x70 3x20"), _dead("3x90"), 80),
    "MalgwiJobsTriedAgain": Case(_one(TRIED, BATCH, "6x30"), _one(TRIED, BATCH, "2x30")),
    "MalgwiWebhooksGivenUp": Case(
        _one("malgwi_webhook_deliveries", GIVEN_UP, "4x70 5x20"),
        _one("malgwi_webhook_deliveries", GIVEN_UP, "4x90"),
        80,
    ),
    "MalgwiWatchRejected": Case(
        _one("malgwi_watch_files_total", REJECTED, "0 0 2x30"),
        _one("malgwi_watch_files_total", REJECTED, "2x30"),
    ),
    "MalgwiWatchStands": Case(_one(LATEST, API, "0x30"), _one(LATEST, API, "0+60x30")),
    "MalgwiDiskLow": Case(_disk("100x60"), _disk("300x60"), 30),
    "MalgwiDiskNearlyFull": Case(_disk("900-5x180"), _disk("990-3x60 810x120"), 140),
    "MalgwiBackupOld": Case(
        _one(BACKUP, API, "0x60"), _one(BACKUP, API, "0+1800x60"), 1650, step=30
    ),
    "MalgwiBackupMissing": Case(
        _one("malgwi_store_up", API, "1x60"),
        {**_one("malgwi_store_up", API, "1x60"), **_one(BACKUP, API, "0x60")},
        1650,
        step=30,
    ),
    "MalgwiSignInFailures": Case(_one(FAILURES, API, "0+3x30"), _one(FAILURES, API, "0+1x30")),
    "MalgwiNodeDiskLow": Case(
        {
            f"node_filesystem_avail_bytes{{{DISK}}}": "5x30",
            f"node_filesystem_size_bytes{{{DISK}}}": "100x30",
        },
        {
            f"node_filesystem_avail_bytes{{{DISK}}}": "50x30",
            f"node_filesystem_size_bytes{{{DISK}}}": "100x30",
        },
    ),
    "MalgwiNodeMemoryLow": Case(
        {"node_memory_MemAvailable_bytes": "5x30", "node_memory_MemTotal_bytes": "100x30"},
        {"node_memory_MemAvailable_bytes": "50x30", "node_memory_MemTotal_bytes": "100x30"},
    ),
    "MalgwiNodeClockOff": Case(
        {"node_timex_offset_seconds": "-0.9x30", "node_timex_sync_status": "1x30"},
        {"node_timex_offset_seconds": "0.01x30", "node_timex_sync_status": "1x30"},
    ),
    "MalgwiContainerOutOfMemory": Case(
        _one("container_oom_events_total", OOM, "0 0 1x30"),
        _one("container_oom_events_total", OOM, "1x30"),
        10,
    ),
}


@pytest.fixture(autouse=True, scope="module")
def _there() -> None:
    try:
        program("promtool")
    except NoPrometheus as error:
        missing(str(error))


def _firing(alert: str, case: Case, series: Series, count: int) -> dict[str, object]:
    return {
        "interval": f"{case.step}m",
        "input_series": [{"series": name, "values": said} for name, said in series.items()],
        "promql_expr_test": [
            {
                "expr": f'count(ALERTS{{alertname="{alert}", alertstate="firing"}})',
                "eval_time": f"{case.minute}m",
                "exp_samples": [{"labels": "{}", "value": count}] if count else [],
            }
        ],
    }


@pytest.mark.slow
@pytest.mark.parametrize("alert", CASES)
def test_an_alert_fires_when_it_should_and_only_then(alert: str, tmp_path: Path) -> None:
    case = CASES[alert]
    tests = [
        _firing(alert, case, case.fires, case.alerts),
        _firing(alert, case, case.quiet, 0),
    ]
    file = tmp_path / "test.yaml"
    said = {"rule_files": [str(each) for each in RULES], "tests": tests}
    file.write_text(yaml.safe_dump({"evaluation_interval": f"{case.step}m", **said}))

    promtool("test", "rules", file)


def test_every_alert_is_tried() -> None:
    assert set(CASES) == set(alerts())


def test_rules_and_configuration_are_ones_that_prometheus_takes() -> None:
    promtool("check", "rules", *RULES)
    promtool("check", "config", "--syntax-only", MONITORING / "prometheus" / "prometheus.yml")


@pytest.mark.parametrize("name", alerts())
def test_an_alert_says_how_bad_it_is_what_is_wrong_and_what_to_do(name: str) -> None:
    alert = alerts()[name]
    said = alert["annotations"]

    assert alert["labels"]["severity"] in ("critical", "warning")
    assert said["summary"].endswith(".")
    assert len(re.sub(r"\{\{.*?\}\}", "", said["summary"])) < 80
    assert said["description"].endswith(".")
    page, _, section = said["runbook"].partition("#")
    text = (ROOT / page).read_text("utf-8")
    assert not section or section in _slugs(text), f"{page} has no section {section}"


def _slugs(text: str) -> Iterator[str]:
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
