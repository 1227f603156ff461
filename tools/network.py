"""docs/network.md: every connection that Malgwi makes or takes, by feature.

    python tools/network.py            writes the page
    python tools/network.py --check    says whether it is as it would be written

What the program does is the list below, which a test holds to the imports of the source: a module
that can open a connection and is in no row fails it. What containers may do is read from the
compose files. Names of settings and commands are held to the code by the tests of the documents.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "network.md"
DEPLOY = ROOT / "deploy"
FILES = [
    DEPLOY / "compose.yaml",
    *(path for folder in ("compose", "nodes") for path in sorted((DEPLOY / folder).glob("*.yaml"))),
]

REFUSED = "refused, with a sentence"
KEPT = "as before: the operator has named it"


@dataclass(frozen=True, slots=True)
class Way:
    """A connection that the program makes."""

    feature: str
    to: str
    because: str
    """The setting or the command without which it is not made."""
    offline: str
    """What becomes of it with MALGWI_OFFLINE=1."""
    modules: tuple[str, ...]
    """Which of the program open it."""


OUT = (
    Way(
        "Fetch models",
        "the model hub (`HF_ENDPOINT`), port 443; then the package index that pip is set up with",
        "`malgwi models pull`; the container `models`, once",
        REFUSED,
        ("ops.fetch", "ops.hub", "ops.package_index"),
    ),
    Way(
        "Make a bundle",
        "the package index that pip is set up with",
        "`malgwi bundle create`",
        REFUSED,
        ("ops.bundle.creation", "ops.package_index"),
    ),
    Way(
        "Take a recording from an address",
        "hosts in `MALGWI_ENGINE__URL_HOSTS`, port 80 or 443 or the one in the address",
        "`MALGWI_ENGINE__URL_HOSTS`, and somebody who asks for it",
        REFUSED,
        ("gateway.targets", "gateway.urls"),
    ),
    Way(
        "Tell a webhook",
        "the address that somebody with the right to do so gave; private ones only where "
        "`MALGWI_SERVE__WEBHOOK_HOSTS` lists them",
        "`POST /v1/webhooks`",
        "refused, but for hosts that `MALGWI_SERVE__WEBHOOK_HOSTS` lists",
        ("apps.transcription.webhooks", "gateway.targets"),
    ),
    Way(
        "Let another server recognise",
        "`MALGWI_STT__ENDPOINT`; pieces of speech go there",
        "`MALGWI_STT__ENDPOINT`",
        KEPT,
        ("stt.endpoint", "stt.http_client"),
    ),
    Way(
        "Keep things in PostgreSQL",
        "the host of `MALGWI_STORE__URL`, port 5432 or the one in it",
        "`MALGWI_STORE__URL`",
        KEPT,
        ("store.engine",),
    ),
    Way(
        "Give jobs to workers",
        "Redis, the host of `MALGWI_JOBS__BROKER`, port 6379 or the one in it",
        "`MALGWI_JOBS__QUEUE=celery`",
        KEPT,
        ("jobs.celery",),
    ),
    Way(
        "Fetch recordings that another node keeps",
        "`MALGWI_STORE__MEDIA_URL`",
        "`MALGWI_STORE__MEDIA_URL`, and a job for `malgwi worker`",
        KEPT,
        ("store.media_source",),
    ),
    Way(
        "Ask a service from the command line or Python",
        "`MALGWI_CLIENT__ADDRESS`",
        "`malgwi submit`, `malgwi jobs`, `malgwi search`, `malgwi export`; `malgwi.client`",
        KEPT,
        ("client", "client_http"),
    ),
    Way(
        "Put a service under load",
        "`MALGWI_CLIENT__ADDRESS`, on a private network, or with `--yes-really-this-host` "
        "elsewhere",
        "`malgwi loadtest`",
        KEPT,
        ("ops.loadtest.target",),
    ),
    Way(
        "Pages for a browser",
        "the API: inside the process, or for `malgwi console` the address in `--api`",
        "`malgwi serve`, `malgwi console`",
        KEPT,
        ("console.api", "console.app", "console.apart", "console.frame"),
    ),
    Way(
        "Look whether all is well",
        "what the settings name, each once: database, Redis, engine, services of this machine",
        "`malgwi doctor`, and the page *Status*",
        KEPT,
        ("ops.doctor.machine", "ops.doctor.queue", "ops.doctor.telling", "jobs.presence"),
    ),
    Way(
        "Look at all machines of an inventory",
        "their addresses in it, at the ports that they offer and at those that are to be shut",
        "`malgwi doctor --all-nodes`",
        KEPT,
        ("ops.doctor.doors", "ops.doctor.all_nodes"),
    ),
    Way(
        "Try a stack that was carried",
        "the door of the stack, from inside the container of its API",
        "`malgwi bundle install --up`, `malgwi bundle rehearse --compose`",
        KEPT,
        ("ops.bundle.door",),
    ),
)


@dataclass(frozen=True, slots=True)
class Door:
    """A port that the program listens on."""

    what: str
    port: str
    set_by: str
    who: str


IN = (
    Door(
        "`malgwi serve`: API, pages, dialects of others",
        "8000",
        "`MALGWI_SERVE__HOST`, `MALGWI_SERVE__PORT`",
        "this machine; beyond it with users or keys only",
    ),
    Door(
        "`malgwi engine`: speech to text",
        "8003",
        "`MALGWI_ENGINE__HOST`, `MALGWI_ENGINE__PORT`",
        "this machine; beyond it with keys only",
    ),
    Door(
        "Wyoming, with either of them",
        "10300",
        "`MALGWI_ENGINE__WYOMING_HOST`, `MALGWI_ENGINE__WYOMING_PORT`",
        "this machine; beyond it the addresses in `MALGWI_ENGINE__WYOMING_CLIENTS` only",
    ),
    Door(
        "`malgwi console`: the pages in a process of their own",
        "8001",
        "`--host`, `--port`",
        "this machine",
    ),
)

LISTENING = (
    *("gateway.server", "apps.transcription.wyoming", "serving"),
    "ops.bundle.sinkhole",  # of a rehearsal, on a network of its own
)
"""Modules that open a port."""
WITHOUT = {
    "ops.bundle.isolation": "asks the kernel whether there is a network, to cut it",
    "ops.nodes.certificates": "sees whether a key is that of a certificate",
    "workers": "asks what this machine is called",
    "ops.upgrade.upgrading": "speaks to the database by the store",
    "ops.backup.creation": "speaks to the database by the store",
    "ops.backup.restoration": "speaks to the database by the store",
    "apps.transcription.api.problems": "has names of status codes",
}
"""Modules that import what could open a connection, and open none."""

HEAD = """\
# What is connected to what

<!-- Written by tools/network.py; a test compares. -->

Every connection that Malgwi makes or takes, by feature: for whoever opens a firewall, or shuts one.
There is no telemetry, no look for updates, no licence server, and no font or script of another host
in a page. With `MALGWI_OFFLINE=1` nothing is reached for but the servers that the settings name as
parts of the installation; the rest is refused with a sentence that says what to do instead.
[How to run without a network](howto/offline.md) has the steps.
"""
RESOLVED = """\
Names are asked of the system's resolver (port 53), only for these. Proxies in the environment are
used for the hub, the package index and services beyond the own network, never for recordings and
webhooks.
"""
CONTAINED = """\
Networks of the kind `internal` lead nowhere. These are the containers on one that does lead out,
and what is published, file by file; all others in `deploy/` reach each other only. On several
machines `malgwi deploy render` gives `api`, `worker`, `reaper` and `migrate` one that leads out,
too, where what they ask is on another.
"""


def main() -> None:
    text = page()
    if "--check" in sys.argv:
        if PAGE.read_text("utf-8") != text:
            raise SystemExit("docs/network.md is not what the code says: python tools/network.py")
        return
    PAGE.write_text(text, "utf-8")


def page() -> str:
    return "\n".join(
        [
            HEAD,
            "## What the program reaches for",
            "",
            "Nothing of this is done but for the reason in the third column.",
            "",
            *table(
                ("feature", "to", "because of", "with `MALGWI_OFFLINE=1`"),
                [(each.feature, each.to, each.because, each.offline) for each in OUT],
            ),
            "",
            RESOLVED,
            "## Where the program listens",
            "",
            *table(
                ("what", "port", "set by", "who may"),
                [(each.what, each.port, each.set_by, each.who) for each in IN],
            ),
            "",
            "## Containers",
            "",
            CONTAINED,
            *table(("file", "with a way out", "published"), list(containers())),
            "",
            "Images of others come from where Docker is set up to fetch them: "
            + ", ".join(f"`{each}`" for each in images())
            + ".",
            "Nothing is fetched with `deploy/up.sh --no-build --pull never`.",
            "",
            "## While it is set up and built",
            "",
            *table(
                ("command", "to"),
                [
                    ("`make setup`, `make lock`, `docker buildx bake`", "the package index"),
                    ("`make run`, `make test`", "as *Fetch models*"),
                    ("`make screenshots`, `.ci/run`", "Debian's packages and the npm registry"),
                    ("`make up`", "the package index, and the registry of images"),
                ],
            ),
            "",
        ]
    )


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def containers() -> Iterator[tuple[str, str, str]]:
    """Which file gives which container a way out, or a port."""
    internal = {
        name
        for file in FILES
        for name, network in (read(file).get("networks") or {}).items()
        if network.get("internal")
    }
    for file in FILES:
        services = {name: each for name, each in read(file).get("services", {}).items() if each}
        out = [name for name, each in services.items() if set(each.get("networks", ())) - internal]
        published = [
            f"{name}: `{port}`" for name, each in services.items() for port in each.get("ports", ())
        ]
        if out or published:
            yield (
                f"`{file.relative_to(DEPLOY)}`",
                ", ".join(out) or "none",
                ", ".join(published) or "nothing",
            )


def images() -> list[str]:
    """Those of others, by default."""
    named = {
        str(each["image"]).partition(":-")[2].rstrip("}")
        for file in FILES
        for each in read(file).get("services", {}).values()
        if each and "image" in each
    }
    return sorted(each for each in named if not each.startswith("malgwi:"))


class _Loader(yaml.SafeLoader):
    """Takes compose's own tags for what they are about."""


def _tagged(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else None


_Loader.add_multi_constructor("!", _tagged)


def read(file: Path) -> Mapping[str, Any]:
    content: Mapping[str, Any] = yaml.load(file.read_text("utf-8"), _Loader)
    return content


if __name__ == "__main__":
    main()
