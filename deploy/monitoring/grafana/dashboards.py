#!/usr/bin/env python3
"""Writes the dashboards beside it: dashboards/*.json, which Grafana reads as they are.

Change a dashboard here and run this; a test holds the files to it. Nothing but Python is needed.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "dashboards"
SOURCE = {"type": "prometheus", "uid": "malgwi-prometheus"}
WIDTH = 24  # of Grafana's grid


@dataclass(frozen=True, slots=True)
class Panel:
    """A picture, with its queries by legend."""

    title: str
    queries: dict[str, str]
    unit: str = "short"
    says: str = ""
    """What it means, and what to do."""
    kind: str = "timeseries"
    width: int = 8
    limits: tuple[float, ...] = ()
    """From where on it is a warning, and critical; the other way round where less is worse."""
    stacked: bool = False


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What is seen together."""

    name: str
    title: str
    rows: Sequence[tuple[str, Sequence[Panel]]]


def stat(title: str, query: str, unit: str = "short", **more: Any) -> Panel:
    return Panel(title, {"": query}, unit, kind="stat", width=4, **more)


def explain(check: str) -> str:
    return f"`malgwi doctor --explain {check}`"


RTF = Panel(
    "Seconds of engine a second of sound",
    {"{{model}} on {{device}} ({{instance}})": "malgwi:rtf:ratio_rate5m"},
    says=f"1 is as slow as speech. {explain('GPU-003')}",
    limits=(0.8, 1),
)
LAG = Panel(
    "Until a piece is answered, 95 %",
    {"{{lane}}": "malgwi:lag_seconds:p95_5m"},
    "s",
    says=f"From its arrival at the engine. {explain('HOST-008')}",
)
OLDEST = Panel(
    "Oldest job that waits",
    {"{{lane}}": "malgwi:job_oldest_age_seconds:max"},
    "s",
    says=explain("QUEUE-007"),
    limits=(900, 3600),
)
SPEED = Panel(
    "Seconds of sound recognised a second",
    {"{{lane}}": "malgwi:speed_by_lane:ratio_rate5m"},
    says="Of all engines together; sixteen channels of live speech need sixteen.",
    stacked=True,
)
GPU_FREE = Panel(
    "Free memory of the cards",
    {"{{gpu}}": "malgwi:gpu_memory_free:ratio"},
    "percentunit",
    says=explain("GPU-004"),
    limits=(0.2, 0.1),
)
JOBS = Panel(
    "Jobs",
    {"{{lane}} {{state}}": 'malgwi:jobs:max{state!="dead"}'},
    says="Of the ledger, whoever does them.",
    stacked=True,
)
DEAD = Panel(
    "Jobs that were given up",
    {"{{lane}}": 'malgwi:jobs:max{state="dead"}'},
    says=f"They can be tried again: `malgwi jobs --state dead`. {explain('QUEUE-006')}",
    limits=(1, 10),
)
REQUESTS = Panel(
    "Requests a second",
    {
        "{{job}} {{status}}": "sum by (job, status)"
        " (rate(malgwi_request_duration_seconds_count[5m]))"
    },
    "reqps",
    stacked=True,
)

OVERVIEW = Dashboard(
    "overview",
    "Malgwi: overview",
    [
        (
            "Now",
            [
                stat(
                    "Services that answer",
                    'sum(up{job=~"malgwi-.*"}) / count(up{job=~"malgwi-.*"})',
                    "percentunit",
                    says=explain("ENGINE-004"),
                    limits=(1, 0.5),
                ),
                stat("Database", "min(malgwi_store_up)", says=explain("DB-001"), limits=(1, 0.5)),
                stat("Jobs that wait", 'sum(malgwi:jobs:max{state=~"waiting|queued"})'),
                stat(
                    "Given up",
                    'sum(malgwi:jobs:max{state="dead"})',
                    says=explain("QUEUE-006"),
                    limits=(1, 10),
                ),
                stat(
                    "Disk free",
                    "min(malgwi:disk_free:ratio)",
                    "percentunit",
                    says=explain("DISK-001"),
                    limits=(0.15, 0.05),
                ),
                stat(
                    "Newest backup, age",
                    "time() - max(malgwi_backup_last_success_timestamp_seconds)",
                    "s",
                    says="`malgwi backup create`, every night.",
                    limits=(93600, 180000),
                ),
            ],
        ),
        ("Speed", [RTF, LAG, SPEED]),
        ("Work", [OLDEST, JOBS, REQUESTS]),
        (
            "What is not as it was asked for",
            [
                Panel(
                    "Fell back",
                    {"": "malgwi_device_fallback_info == 1"},
                    kind="table",
                    width=12,
                    says=f"It works, and slower. {explain('GPU-001')}",
                ),
                Panel(
                    "Alerts",
                    {"": 'ALERTS{alertstate="firing"}'},
                    kind="table",
                    width=12,
                    says="What to do stands in docs/howto/monitoring.md.",
                ),
            ],
        ),
    ],
)

GPU = Dashboard(
    "gpu",
    "Malgwi: GPU",
    [
        (
            "Cards",
            [
                Panel(
                    "Cards",
                    {"": "max by (gpu, name, driver, instance) (malgwi_gpu_info)"},
                    kind="table",
                    width=12,
                    says=explain("GPU-008"),
                ),
                Panel(
                    "Memory in use",
                    {
                        "{{gpu}}": "max by (gpu) (malgwi_gpu_memory_total_bytes)"
                        " - min by (gpu) (malgwi_gpu_memory_free_bytes)",
                        "{{gpu}}, all of it": "max by (gpu) (malgwi_gpu_memory_total_bytes)",
                    },
                    "bytes",
                    width=12,
                    says=explain("GPU-004"),
                ),
                GPU_FREE,
            ],
        ),
        (
            "What they do",
            [
                RTF,
                Panel(
                    "Engine busy",
                    {
                        "{{model}} on {{device}} ({{instance}})": "sum by (instance, model, device)"
                        " (rate(malgwi_processing_seconds_total[5m]))"
                    },
                    says="Seconds of engine a second, of several at once more than 1.",
                ),
                Panel(
                    "Pieces that share a call",
                    {
                        "{{model}} on {{device}}": "sum by (model, device)"
                        " (rate(malgwi_batch_size_sum[5m]))"
                        " / sum by (model, device) (rate(malgwi_batch_size_count[5m]))"
                    },
                    says="The more, the better a card is used.",
                ),
            ],
        ),
        (
            "Models",
            [
                Panel(
                    "Loaded",
                    {"": "malgwi_model_loaded_info == 1"},
                    kind="table",
                ),
                Panel(
                    "Canary",
                    {"{{model}} on {{device}}": "malgwi_canary_seconds"},
                    "s",
                    says="A known recording, as health asks for it.",
                ),
                Panel(
                    "Engines that died",
                    {"{{model}}": "increase(malgwi_engine_restarts_total[15m])"},
                    says=explain("MEM-003"),
                    limits=(1, 2),
                ),
            ],
        ),
    ],
)

QUEUES = Dashboard(
    "queues",
    "Malgwi: queues",
    [
        ("Jobs", [JOBS, OLDEST, DEAD]),
        (
            "Workers",
            [
                Panel(
                    "Waited until it was begun",
                    {"{{lane}}": "max by (lane) (malgwi_job_start_delay_seconds)"},
                    "s",
                    says="Of the jobs that run, the one that waited longest.",
                ),
                Panel(
                    "Tried again",
                    {"{{lane}}": "max by (lane) (malgwi_jobs_tried_again)"},
                    says=explain("ENGINE-003"),
                ),
                Panel(
                    "Without a heartbeat",
                    {"{{lane}}": "max by (lane) (malgwi_jobs_silent)"},
                    says="Its worker is gone, and the reaper has not taken it yet.",
                    limits=(1, 1),
                ),
            ],
        ),
        (
            "At the engines",
            [
                Panel("Pieces that wait", {"{{lane}} ({{instance}})": "malgwi_queue_pieces"}),
                Panel(
                    "Oldest piece",
                    {"{{lane}} ({{instance}})": "malgwi_queue_oldest_age_seconds"},
                    "s",
                ),
                LAG,
            ],
        ),
        (
            "In and out",
            [
                Panel(
                    "Uploads",
                    {
                        "bytes a second": "sum(rate(malgwi_upload_bytes_total[5m]))",
                    },
                    "Bps",
                ),
                Panel(
                    "Files of the watched folder",
                    {"{{outcome}}": "sum by (outcome) (increase(malgwi_watch_files_total[1h]))"},
                    says="In an hour. What is rejected lies in rejected/, with the reason.",
                ),
                Panel(
                    "Webhook deliveries",
                    {"{{state}}": "max by (state) (malgwi_webhook_deliveries)"},
                ),
            ],
        ),
    ],
)

_DISKS = 'fstype!~"tmpfs|overlay|squashfs"'
NODES = Dashboard(
    "nodes",
    "Malgwi: nodes",
    [
        (
            "Machines",
            [
                Panel(
                    "Processors busy",
                    {
                        "{{instance}}": "1 - avg by (instance)"
                        ' (rate(node_cpu_seconds_total{mode="idle"}[5m]))'
                    },
                    "percentunit",
                    says=explain("HOST-008"),
                ),
                Panel(
                    "Memory available",
                    {"{{instance}}": "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes"},
                    "percentunit",
                    says=explain("MEM-001"),
                    limits=(0.2, 0.1),
                ),
                Panel(
                    "Disks free",
                    {
                        "{{instance}} {{mountpoint}}": f"node_filesystem_avail_bytes{{{_DISKS}}}"
                        f" / node_filesystem_size_bytes{{{_DISKS}}}"
                    },
                    "percentunit",
                    says=explain("DISK-007"),
                    limits=(0.15, 0.1),
                ),
                Panel(
                    "Network",
                    {
                        "{{instance}} in": "sum by (instance)"
                        ' (rate(node_network_receive_bytes_total{device!="lo"}[5m]))',
                        "{{instance}} out": "sum by (instance)"
                        ' (rate(node_network_transmit_bytes_total{device!="lo"}[5m]))',
                    },
                    "Bps",
                ),
                Panel(
                    "Clocks off by",
                    {"{{instance}}": "abs(node_timex_offset_seconds)"},
                    "s",
                    says=explain("CLOCK-001"),
                    limits=(0.1, 0.5),
                ),
            ],
        ),
        (
            "Containers",
            [
                Panel(
                    "Processors",
                    {"{{name}}": "sum by (name) (rate(container_cpu_usage_seconds_total[5m]))"},
                ),
                Panel(
                    "Memory",
                    {"{{name}}": "sum by (name) (container_memory_working_set_bytes)"},
                    "bytes",
                    says=explain("MEM-002"),
                ),
                Panel(
                    "Memory ran out",
                    {"{{name}}": "increase(container_oom_events_total[1h])"},
                    limits=(1, 1),
                ),
            ],
        ),
        (
            "Processes and disk of Malgwi",
            [
                Panel(
                    "Memory of its processes",
                    {"{{instance}} {{process}}": "malgwi_process_resident_memory_bytes"},
                    "bytes",
                ),
                Panel(
                    "Disk of the recordings, free",
                    {"{{instance}}": "malgwi_disk_free_bytes"},
                    "bytes",
                    says=explain("DISK-001"),
                ),
                Panel("Versions", {"": "malgwi_build_info"}, kind="table"),
            ],
        ),
    ],
)

AUDIO = Dashboard(
    "audio-quality",
    "Malgwi: audio quality",
    [
        (
            "How well it is heard",
            [
                Panel(
                    "Speech that is not trusted",
                    {"{{model}}": "malgwi:pieces_not_trusted:ratio_rate15m"},
                    "percentunit",
                    says="Doubtful words, and pieces of what was taken for speech without any. "
                    "Noise, a wrong language, or a line that is broken.",
                    width=12,
                    limits=(0.2, 0.4),
                ),
                Panel(
                    "Pieces by what came of them",
                    {"{{outcome}}": "sum by (outcome) (rate(malgwi_pieces_total[5m]))"},
                    width=12,
                    stacked=True,
                ),
                Panel(
                    "Decoded more than once",
                    {
                        "{{model}}": "sum by (model) (rate(malgwi_pieces_decoded_again_total[15m]))"
                        " / sum by (model) (rate(malgwi_pieces_total[15m]))"
                    },
                    "percentunit",
                    says="After a loop, or for low confidence; each costs the time of a piece.",
                ),
                Panel(
                    "Length of a piece",
                    {
                        "mean": "sum(rate(malgwi_audio_seconds_total[15m]))"
                        " / sum(rate(malgwi_pieces_total[15m]))"
                    },
                    "s",
                    says="Of sound. Where all are short, the line is choppy, or the gate too high.",
                ),
                Panel(
                    "Files that could not be used",
                    {
                        "uploads refused": "sum(increase(malgwi_request_duration_seconds_count"
                        '{route=~".*recordings.*|.*transcriptions.*", status=~"4.."}[1h]))',
                        "watched folder": "sum(increase(malgwi_watch_files_total"
                        '{outcome="rejected"}[1h]))',
                    },
                    says="In an hour.",
                ),
            ],
        ),
        ("How late it is heard", [LAG, RTF, SPEED]),
    ],
)

DASHBOARDS = (OVERVIEW, GPU, QUEUES, NODES, AUDIO)
_HEIGHTS = {"stat": 4}


def as_grafana(dashboard: Dashboard) -> dict[str, Any]:
    """In Grafana's own words."""
    return {
        "uid": f"malgwi-{dashboard.name}",
        "title": dashboard.title,
        "tags": ["malgwi"],
        "editable": False,
        "graphTooltip": 1,
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "links": [
            {
                "type": "dashboards",
                "title": "Malgwi",
                "tags": ["malgwi"],
                "asDropdown": False,
                "keepTime": True,
            }
        ],
        "panels": list(_panels(dashboard)),
    }


def _panels(dashboard: Dashboard) -> Iterator[dict[str, Any]]:
    number, y = 0, 0
    for title, panels in dashboard.rows:
        number += 1
        place = {"x": 0, "y": y, "w": WIDTH, "h": 1}
        yield {"id": number, "type": "row", "title": title, "gridPos": place, "panels": []}
        x, y, height = 0, y + 1, 0
        for panel in panels:
            if x + panel.width > WIDTH:
                x, y = 0, y + height
            number, height = number + 1, _HEIGHTS.get(panel.kind, 8)
            yield _panel(panel, number, {"x": x, "y": y, "w": panel.width, "h": height})
            x += panel.width
        y += height


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.says,
        "gridPos": place,
        "datasource": SOURCE,
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": SOURCE,
                "expr": query,
                "legendFormat": legend or "__auto",
                **({"instant": True, "format": "table"} if panel.kind == "table" else {}),
            }
            for index, (legend, query) in enumerate(panel.queries.items())
        ],
        "fieldConfig": {"defaults": _field(panel), "overrides": []},
        "options": _OPTIONS[panel.kind],
    }


def _field(panel: Panel) -> dict[str, Any]:
    field: dict[str, Any] = {"unit": panel.unit, "min": 0}
    if panel.limits:
        field["thresholds"] = {"mode": "absolute", "steps": list(_steps(panel.limits))}
        field["color"] = {"mode": "thresholds" if panel.kind == "stat" else "palette-classic"}
    if panel.kind == "timeseries":
        field["custom"] = {
            "fillOpacity": 20 if panel.stacked else 0,
            "stacking": {"mode": "normal" if panel.stacked else "none"},
            "thresholdsStyle": {"mode": "dashed" if panel.limits else "off"},
        }
    return field


def _steps(limits: tuple[float, ...]) -> Iterator[dict[str, Any]]:
    """Green, yellow and red from the bottom up, or from the top down where less is worse."""
    warning, critical = limits
    if critical >= warning:
        yield {"color": "green", "value": None}
        yield {"color": "yellow", "value": warning}
        yield {"color": "red", "value": critical}
    else:
        yield {"color": "red", "value": None}
        yield {"color": "yellow", "value": critical}
        yield {"color": "green", "value": warning}


_OPTIONS: dict[str, dict[str, Any]] = {
    "stat": {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "background"},
    "timeseries": {"legend": {"displayMode": "list", "placement": "bottom"}},
    "table": {"showHeader": True},
}


def texts() -> Iterator[tuple[Path, str]]:
    """Each file, and what it should say."""
    for each in DASHBOARDS:
        said = json.dumps(as_grafana(each), indent=2, ensure_ascii=False)
        yield FOLDER / f"{each.name}.json", said + "\n"


if __name__ == "__main__":
    for path, text in texts():
        path.write_text(text, "utf-8")
