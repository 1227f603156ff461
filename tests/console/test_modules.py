"""The pages' JavaScript that needs no page: sound, time, lists and texts, by node's own runner."""

import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import missing

HERE = Path(__file__).parent / "js"


@pytest.mark.parametrize("module", sorted(each.name for each in HERE.glob("*.test.mjs")))
def test_a_module_keeps_its_promises(module: str) -> None:
    node = shutil.which("node")
    if not node:
        missing("There is no node.")

    run = subprocess.run(
        [node, "--test", HERE / module], check=False, capture_output=True, text=True
    )

    assert run.returncode == 0, run.stdout + run.stderr
