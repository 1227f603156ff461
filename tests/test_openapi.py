"""The OpenAPI document of a running service, as a machine reads it that tries all it allows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_fuzz import complaints
from test_library import library
from test_serving import engine, until

LEFT_OUT = "positive_data_acceptance"
"""The one check that cannot hold: no schema says which bytes are sound, and some fields of the
dialects are documented although what they ask for is refused in a sentence."""
KEY = "a-key-that-nobody-guesses"
HOOKS = """
import schemathesis
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")


@schemathesis.hook
def before_call(context, case, kwargs):
    query = case.query or {}
    follows = str(query.get("follow", True)).lower() == "true"
    if case.path == "/v1/jobs/events" and follows:  # for ever
        case.query = {**query, "follow": "false"}
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_operation_answers_as_the_document_says(tmp_path: Path) -> None:
    with engine(tmp_path) as running:
        until(running.ready)

        found = tried(running.url, tmp_path, examples=20)

        assert found.returncode == 0, found.stdout
        assert re.search(r"Operations: +(\d+) selected / \1 total", found.stdout)
        until(lambda: not running.spooled)
        assert running.ready()
    assert not complaints(tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_operation_over_what_is_kept_answers_as_the_document_says(tmp_path: Path) -> None:
    with library(tmp_path, MALGWI_ENGINE__KEYS=KEY) as running:
        until(lambda: running.http.get("/health/ready").is_success)

        found = tried(str(running.http.base_url), tmp_path, examples=5, key=KEY)

        assert found.returncode == 0, found.stdout
        assert re.search(r"Operations: +(\d+) selected / \1 total", found.stdout)
        assert running.http.get("/health/ready").is_success
    assert not complaints(tmp_path)


def tried(
    url: str, folder: Path, examples: int, key: str = "none"
) -> "subprocess.CompletedProcess[str]":
    """So many examples of every operation, and of what follows from what."""
    (folder / "hooks.py").write_text(HOOKS)
    return subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{url.rstrip('/')}/openapi.json"),
            *("--checks", "all", "--exclude-checks", LEFT_OUT),
            *("--max-examples", str(examples), "--seed", "7"),
            *("--request-timeout", "30", "--no-color", "--header", f"Authorization: Bearer {key}"),
        ],
        cwd=folder,
        env={**os.environ, "NO_PROXY": "*", "SCHEMATHESIS_HOOKS": "hooks"},
        capture_output=True,
        text=True,
        check=False,
    )
