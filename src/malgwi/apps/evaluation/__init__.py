"""How well it is heard: error rates over recordings whose words are known.

    manifest     the recordings, and which of them are meant
    reference    what was said in one of them
    normalise    which differences in writing are no errors
    rates        counting errors, and adding them up
    cpwer        errors where it matters who said it
    report       what was measured, item by item and in groups
    run          over a manifest, from the first recording to the report
    machine      what it was measured on
    document     the report for programs
    markdown     the report for people

A name is loaded when it is first used, so that `malgwi --help` waits for none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from malgwi.apps.evaluation.document import SCHEMA, as_json
    from malgwi.apps.evaluation.machine import Machine, peak_memory, this_machine
    from malgwi.apps.evaluation.manifest import Item, Selection, read_manifest
    from malgwi.apps.evaluation.markdown import as_markdown, machine_lines
    from malgwi.apps.evaluation.normalise import characters, words
    from malgwi.apps.evaluation.rates import Errors, Rate, Unmeasured, count, pooled
    from malgwi.apps.evaluation.report import Group, Report, Result, groups
    from malgwi.apps.evaluation.run import Transcribe, evaluate

__all__ = [
    "SCHEMA",
    "Errors",
    "Group",
    "Item",
    "Machine",
    "Rate",
    "Report",
    "Result",
    "Selection",
    "Transcribe",
    "Unmeasured",
    "as_json",
    "as_markdown",
    "characters",
    "count",
    "evaluate",
    "groups",
    "machine_lines",
    "peak_memory",
    "pooled",
    "read_manifest",
    "this_machine",
    "words",
]

_HOMES = {
    "SCHEMA": "document",
    "Errors": "rates",
    "Group": "report",
    "Item": "manifest",
    "Machine": "machine",
    "Rate": "rates",
    "Report": "report",
    "Result": "report",
    "Selection": "manifest",
    "Transcribe": "run",
    "Unmeasured": "rates",
    "as_json": "document",
    "as_markdown": "markdown",
    "characters": "normalise",
    "count": "rates",
    "evaluate": "run",
    "groups": "report",
    "machine_lines": "markdown",
    "peak_memory": "machine",
    "pooled": "rates",
    "read_manifest": "manifest",
    "this_machine": "machine",
    "words": "normalise",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
