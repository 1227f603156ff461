"""The three files of a report, each replaced whole, so that whoever looks sees no half of one."""

import json
import os
from pathlib import Path

from malgwi.errors import OutputError
from malgwi.ops.loadtest.markdown import markdown
from malgwi.ops.loadtest.outcome import Outcome
from malgwi.ops.loadtest.page import page
from malgwi.ops.loadtest.report import as_data
from malgwi.ops.loadtest.words import Language

NAMES = ("report.json", "report.md", "report.html")


def check_folder(folder: Path) -> None:
    """Make it, and prove that it can be written. Raises OutputError, also where a report is there
    that would be replaced."""
    for name in NAMES:
        if os.path.lexists(folder / name):
            raise OutputError(
                f"{folder / name} is there already. Give another --out, or remove it."
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / NAMES[0], "{}")
        (folder / NAMES[0]).unlink()
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written: {error.strerror or error}. Give another --out."
        ) from error


def write_report(outcome: Outcome, folder: Path, language: Language) -> None:
    """Raises OutputError."""
    data = as_data(outcome)
    texts = (
        json.dumps(data, ensure_ascii=False, indent=1) + "\n",
        markdown(data, language),
        page(data, language),
    )
    try:
        for name, text in zip(NAMES, texts, strict=True):
            _write(folder / name, text)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror or error}.") from error


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, "utf-8")
    part.replace(path)
