"""Whether requests leave anything behind in the service: `python -m benchmarks.load --memory`.

Resident memory of its processes, by the system's own account, while short utterances come from
sixteen clients; then the model is unloaded, and what is left in the parent is held against what it
had before the model was ever loaded.
"""

import sys
import time
from collections.abc import Sequence
from typing import Any

from benchmarks import load_servers
from benchmarks.load_client import Utterance, closed_loop

UTTERANCES = 32
"""The shortest; they go round."""
CLIENTS = 16
EVERY = 100
"""Requests between two looks, those before and after the measured window too."""
WARM = 500
"""Requests after which memory is to be flat."""
SETTLE = 3.0
"""Seconds for the service to come to rest."""
ROLES = "parent", "engine", "decoders"


def measure(
    utterances: Sequence[Utterance], model: str, threads: int, requests: int
) -> dict[str, Any]:
    with load_servers.ours(model, threads, PRELOAD="[]") as server:
        time.sleep(SETTLE)
        before = server.resident()
        looks = []
        lost = 0
        for done in range(EVERY, requests + 1, EVERY):
            window = closed_loop(server.address, utterances, CLIENTS, EVERY - 2 * CLIENTS + 1)
            lost += window.lost
            looks.append({"requests": done, **server.resident()})
            print(f"{done} requests, {lost} lost: {looks[-1]}", file=sys.stderr)
        server.unload(model)
        time.sleep(SETTLE)
        after = server.resident()
    return {
        "kind": "load-memory",
        "model": model,
        "clients": CLIENTS,
        "mean_seconds": sum(each.seconds for each in utterances) / len(utterances),
        "lost": lost,
        "before": before,
        "looks": looks,
        "after": after,
    }


def lines(result: dict[str, Any]) -> list[str]:
    """A table of it, in Markdown, with about eight of the looks."""
    table = [
        "| requests | " + " | ".join(f"{role} MiB" for role in ROLES) + " |",
        "|---|---|---|---|",
    ]
    table.append(_line("before the model was loaded", result["before"]))
    looks = result["looks"]
    step = max(1, len(looks) // 8)
    table += [_line(str(each["requests"]), each) for each in looks[step - 1 :: step]]
    table.append(_line("after it was unloaded", result["after"]))
    warm = next((each for each in looks if each["requests"] >= WARM), looks[0])
    grown = ", ".join(f"{role} {_mib(looks[-1][role] - warm[role]):+.1f} MiB" for role in ROLES)
    left = _mib(result["after"]["parent"] - result["before"]["parent"])
    return [
        *table,
        "",
        f"From request {warm['requests']} to {looks[-1]['requests']}: {grown}. Once the model was "
        f"unloaded, the parent had {left:+.1f} MiB against before it was loaded. "
        f"{result['lost']} requests were lost.",
    ]


def _line(name: str, held: dict[str, int]) -> str:
    cells = (f"{_mib(held[role]):.0f}" if role in held else "–" for role in ROLES)
    return f"| {name} | " + " | ".join(cells) + " |"


def _mib(size: int) -> float:
    return size / 2**20
