"""The OpenAPI document of a running service, as a machine reads it that tries all it allows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_fuzz import complaints
from test_serving import engine, until

LEFT_OUT = "positive_data_acceptance"
"""The one check that cannot hold: no schema says which bytes are sound, and some fields of the
dialects are documented although what they ask for is refused in a sentence."""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_operation_answers_as_the_document_says(tmp_path: Path) -> None:
    with engine(tmp_path) as running:
        until(running.ready)

        found = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{running.url}/openapi.json"),
                *("--checks", "all", "--exclude-checks", LEFT_OUT),
                *("--max-examples", "20", "--seed", "7", "--request-timeout", "30", "--no-color"),
            ],
            cwd=tmp_path,
            env={**os.environ, "NO_PROXY": "*"},
            capture_output=True,
            text=True,
            check=False,
        )

        assert found.returncode == 0, found.stdout
        assert re.search(r"Operations: +(\d+) selected / \1 total", found.stdout)
        until(lambda: not running.spooled)
        assert running.ready()
    assert not complaints(tmp_path)
