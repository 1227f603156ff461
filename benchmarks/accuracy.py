"""Error rates over the whole measuring material: `python -m benchmarks.accuracy`.

The same as `malgwi evaluate`, with the model loaded once, and the result kept for RESULTS.md.
"""

import argparse
import sys

import malgwi.cli  # noqa: F401 (sets up the process as the command does)
from benchmarks import work
from malgwi.apps.evaluation import Result, Selection, as_json, as_markdown, evaluate
from malgwi.bootstrap import engines, transcriber
from malgwi.config import read_config


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="whisper-base")
    parser.add_argument("--engine", default="faster-whisper")
    parser.add_argument("--language")
    parser.add_argument("--ids")
    parser.add_argument("--detect-language", action="store_true")
    given = parser.parse_args()
    work.require_shared()
    report = evaluate(
        work.MANIFEST,
        transcriber(engines(read_config(), engine=given.engine, model=given.model)),
        Selection(language=given.language, ids=given.ids),
        detect_language=given.detect_language,
        on_item=_told,
    )
    work.RESULTS.mkdir(parents=True, exist_ok=True)
    detected = "-detected" if given.detect_language else ""
    path = work.RESULTS / f"accuracy-{given.engine}-{given.model}{detected}"
    path.with_suffix(".json").write_text(as_json(report), "utf-8")
    path.with_suffix(".md").write_text(as_markdown(report), "utf-8")
    print(as_markdown(report))


def _told(done: int, of: int, result: Result) -> None:
    print(f"{done}/{of} {result.id}", file=sys.stderr)


if __name__ == "__main__":
    main()
