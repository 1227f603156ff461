"""How the service bears load, against faster-whisper behind FastAPI: `python -m benchmarks.load`.

Read utterances over HTTP from this machine, from so many clients at a time, each of which asks
again as soon as it is answered. All servers are up all the time and are put under load in turns
(A B A B), so that whatever else the machine does hits them alike.

`--memory` looks at something else: whether 2,000 requests leave anything behind.
"""

import argparse
import json
import os
import random
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from statistics import fmean
from typing import Any

from benchmarks import load_memory, load_servers, work
from benchmarks.load_client import Answer, Utterance, Window, closed_loop, utterance
from benchmarks.load_servers import Server
from malgwi.apps.evaluation import Errors, Unmeasured, count, pooled, words
from malgwi.config import read_config

LENGTHS = 2.0, 16.0
"""Seconds, of the utterances that are sent: what people say in one breath."""
SEED = 3
COMPARED = 16
"""Clients, at which the variants of the peer are measured too."""
ALONE = 3
"""One client takes long for all of the utterances; it gets one in so many."""
PERCENTILES = 50, 95, 99


@dataclass(frozen=True, slots=True)
class Contender:
    start: Callable[[], AbstractContextManager[Server]]
    only_at: int | None = None
    """Clients; None for all numbers of them."""


def main() -> None:
    given = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    if given.memory:
        short = sorted(spoken(), key=lambda each: each.seconds)[: load_memory.UTTERANCES]
        result = load_memory.measure(short, given.model, given.threads, given.requests or 2000)
        path = work.save(f"load-memory-{given.model}", result)
        print("\n".join(load_memory.lines(result)))
    else:
        clients = [int(each) for each in given.clients.split(",")]
        every = contenders(given.model, given.threads, variants=not given.plain)
        facts = {"model": given.model, "threads": given.threads}
        result = measure(clients, given.requests, given.turns, every, facts)
        path = work.save(f"load-{given.model}", result)
        print("\n".join(lines(result)))
    print(f"\n{path}")


def contenders(model: str, threads: int, variants: bool) -> dict[str, Contender]:
    peer = partial(load_servers.peer, read_config().models / model, threads)
    plain = {
        "malgwi": Contender(partial(load_servers.ours, model, threads)),
        "peer": Contender(peer),
    }
    if not variants:
        return plain
    return plain | {
        "peer, VAD": Contender(partial(peer, "--vad"), COMPARED),
        "peer, beam of 5": Contender(partial(peer, "--beam", "5"), COMPARED),
    }


def measure(
    clients: Sequence[int],
    requests: int | None,
    turns: int,
    every: Mapping[str, Contender],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Every contender with every number of clients, `turns` times; `facts` go with the result."""
    utterances = spoken()
    rows: list[dict[str, Any]] = []
    heard: dict[str, set[tuple[str, str | None]]] = {}
    with ExitStack() as running:
        servers = {
            name: running.enter_context(each.start())
            for name, each in every.items()
            if each.only_at in (None, *clients)
        }
        for each in servers.values():
            closed_loop(each.address, utterances, 2, 6)  # the model loaded, all code paths warm
        for number in clients:
            most = requests or len(utterances)
            some = max(2, most // ALONE) if number == 1 else most
            there = {
                name: each
                for name, each in servers.items()
                if every[name].only_at in (None, number)
            }
            found: dict[str, list[_Turn]] = {name: [] for name in there}
            for turn in range(turns):
                for name, server in there.items():
                    one = _turn(server, utterances, number, some)
                    found[name].append(one)
                    heard.setdefault(name, set()).update(one.texts)
                    print(
                        f"{number} clients, {turn + 1}/{turns} {name}: {one.times_real_time:.1f}",
                        file=sys.stderr,
                    )
            rows += [_row(name, number, each) for name, each in found.items()]
    return {
        "kind": "load",
        **facts,
        "turns": turns,
        "utterances": len(utterances),
        "mean_seconds": fmean(each.seconds for each in utterances),
        "load": os.getloadavg()[0],
        "variants": {
            name: len(texts) - len({utterance for utterance, _ in texts})
            for name, texts in heard.items()
        },
        "rows": [{**row, **_against(row, rows)} for row in rows],
    }


def spoken() -> list[Utterance]:
    """Read English, in an order that is the same each time."""
    work.require_shared()
    items = [
        item
        for item in json.loads(work.MANIFEST.read_text("utf-8"))["items"]
        if item["kind"] == "utterance"
        and item["file"].startswith("en/librispeech/")
        and LENGTHS[0] <= item["duration_s"] <= LENGTHS[1]
    ]
    random.Random(SEED).shuffle(items)
    folder = work.MANIFEST.parent
    return [
        utterance(item["id"], folder / item["file"], item["text"], item["duration_s"])
        for item in items
    ]


@dataclass(frozen=True, slots=True)
class _Turn:
    """One contender under one load, once."""

    window: Window
    batches: float
    pieces: float
    busy: dict[str, float]
    """Seconds of processor by role."""

    @property
    def audio(self) -> float:
        return sum(each.utterance.seconds for each in self.window.answers if each.text is not None)

    @property
    def texts(self) -> set[tuple[str, str | None]]:
        return {(each.utterance.name, each.text) for each in self.window.answers}

    @property
    def times_real_time(self) -> float:
        return self.audio / self.window.seconds


def _turn(server: Server, utterances: Sequence[Utterance], clients: int, requests: int) -> _Turn:
    edges: list[tuple[tuple[float, float], dict[str, float]]] = []
    window = closed_loop(
        server.address, utterances, clients, requests,
        lambda: edges.append((server.batches(), server.processor_seconds())),
    )  # fmt: skip
    (batches, busy), (batches_after, busy_after) = edges
    return _Turn(
        window,
        batches_after[0] - batches[0],
        batches_after[1] - batches[1],
        {role: busy_after[role] - busy.get(role, 0.0) for role in busy_after}
        | {"clients": window.processor_seconds},
    )


def _row(name: str, clients: int, turns: Sequence[_Turn]) -> dict[str, Any]:
    answers = [each for turn in turns for each in turn.window.answers]
    latencies = sorted(each.latency for each in answers if each.text is not None)
    seconds = sum(each.window.seconds for each in turns)
    batches = sum(each.batches for each in turns)
    errors = _errors(answers)
    return {
        "contender": name,
        "clients": clients,
        "requests": len(answers),
        "seconds": seconds,
        "times_real_time": sum(each.audio for each in turns) / seconds,
        "turns": [each.times_real_time for each in turns],
        "requests_a_second": len(latencies) / seconds,
        "latency": {str(each): _percentile(latencies, each) for each in PERCENTILES},
        "rate": errors.rate,
        "errors": asdict(errors),
        "lost": sum(each.window.lost for each in turns),
        "turned_away": sum(each.window.turned_away for each in turns),
        "batch": sum(each.pieces for each in turns) / batches if batches else None,
        "cost": {
            role: 1000 * sum(each.busy[role] for each in turns) / sum(each.audio for each in turns)
            for role in turns[0].busy
        },
    }


def _against(row: dict[str, Any], rows: Iterable[dict[str, Any]]) -> dict[str, float]:
    """Ours against this row's, under the same load: the higher, the better we are."""
    same = (each for each in rows if each["clients"] == row["clients"])
    mine = next((each for each in same if each["contender"] == "malgwi"), None)
    if mine is None or mine is row:
        return {}
    return {
        "ours_faster": mine["times_real_time"] / row["times_real_time"],
        "ours_sooner": row["latency"]["95"] / mine["latency"]["95"],
    }


def lines(result: dict[str, Any]) -> list[str]:
    """A table of it, in Markdown, and what else is to be said."""
    head = [
        "clients", "", "× real time", "requests/s", "p50 s", "p95 s", "p99 s", "WER", "lost", "429",
        "pieces a batch", "CPU ms/s", "ours: throughput", "ours: p95",
    ]  # fmt: skip
    table = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in result["rows"]:
        cells = [
            str(row["clients"]), row["contender"],
            f"{row['times_real_time']:.1f} ({min(row['turns']):.1f}–{max(row['turns']):.1f})",
            f"{row['requests_a_second']:.2f}", *(f"{each:.2f}" for each in row["latency"].values()),
            f"{row['rate']:.3f}", str(row["lost"]), str(row["turned_away"]),
            f"{row['batch']:.1f}" if row["batch"] else "–",
            f"{sum(row['cost'].values()) - row['cost']['clients']:.0f}",
            f"× {row['ours_faster']:.2f}" if "ours_faster" in row else "",
            f"× {row['ours_sooner']:.2f}" if "ours_sooner" in row else "",
        ]  # fmt: skip
        table.append("| " + " | ".join(cells) + " |")
    return [*table, "", *_costs(result["rows"]), "", _variants(result)]


def _costs(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield "Processor time of ours in ms a second of sound (`clients` are the benchmark itself):"
    yield ""
    for row in rows:
        if row["contender"] == "malgwi":
            parts = ", ".join(f"{role} {each:.1f}" for role, each in row["cost"].items())
            yield f"- {row['clients']} clients: {parts}"


def _variants(result: dict[str, Any]) -> str:
    """The same sound should be heard the same way, whoever else asks meanwhile."""
    counts = ", ".join(f"{name} {number}" for name, number in result["variants"].items())
    return f"Of {result['utterances']} utterances, heard in more than one way: {counts}."


def _errors(answers: Iterable[Answer]) -> Errors:
    rate = pooled(
        [count(words(each.utterance.said, "en"), words(each.text or "", "en")) for each in answers]
    )
    if isinstance(rate, Unmeasured):
        sys.exit(f"Nothing can be measured: {rate.reason}.")
    return rate.errors


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """The nearest rank; NaN would say less than an end with a sentence."""
    if not ordered:
        sys.exit("Not one request was answered; the servers' logs are in benchmarks/work.")
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="whisper-base")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clients", default="1,4,16,64")
    parser.add_argument("--requests", type=int, help="a turn; each utterance once by default")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument(
        "--plain", action="store_true", help="the plain peer alone, at half the time"
    )
    parser.add_argument("--memory", action="store_true", help="memory instead of speed")
    return parser.parse_args()


if __name__ == "__main__":
    main()
