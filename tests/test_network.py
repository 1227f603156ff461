"""docs/network.md names every connection, because each module that could open one is in it."""

import ast
import re
import runpy
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "malgwi"
OPENS = (
    *("asyncssh", "aiohttp", "celery", "ftplib", "http", "httpx", "huggingface_hub", "kombu"),
    *("oracledb", "paramiko", "psycopg", "redis", "requests", "smtplib", "socket", "socketserver"),
    *("sqlalchemy", "ssl", "telnetlib", "urllib.request", "urllib3", "uvicorn", "websockets"),
    *("wyoming", "xmlrpc"),
)
"""Libraries with which a program talks to others."""
IN_THE_STORE = "store."
"""It has sqlalchemy everywhere, and one module that connects."""


@cache
def told() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tools" / "network.py"))


def imported(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def could_connect(module: Path) -> bool:
    return any(
        name == each or name.startswith(f"{each}.") for name in imported(module) for each in OPENS
    )


def modules() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(SOURCE).with_suffix("").parts): path
        for path in SOURCE.rglob("*.py")
    }


def named() -> set[str]:
    page = told()
    return {
        *(module for way in page["OUT"] for module in way.modules),
        *page["LISTENING"],
        *page["WITHOUT"],
    }


def test_the_page_is_as_the_code_says() -> None:
    page = told()
    assert page["PAGE"].read_text("utf-8") == page["page"](), "Run: python tools/network.py"


def test_every_module_that_could_open_a_connection_is_named() -> None:
    able = {name for name, path in modules().items() if could_connect(path)}
    assert {each for each in able - named() if not each.startswith(IN_THE_STORE)} == set()


def test_every_module_that_is_named_is_there() -> None:
    assert named() - set(modules()) == set()


def test_the_store_connects_in_one_place() -> None:
    connecting = {
        name
        for name, path in modules().items()
        if re.search(r'create_engine\((?!"sqlite://"\))', path.read_text("utf-8"))
    }
    assert connecting == {"store.engine"}


def test_the_page_says_of_what_is_refused_without_a_network_that_it_is() -> None:
    refusing = {
        name
        for name, path in modules().items()
        if re.search(r"(raise|return) NetworkRefused\(", path.read_text("utf-8"))
    }
    refused = [way for way in told()["OUT"] if way.offline.startswith("refused")]

    assert refusing <= {module for way in refused for module in way.modules}
    assert [way.feature for way in refused if refusing.isdisjoint(way.modules)] == []
