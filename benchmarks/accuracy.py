"""Error rates over the whole measuring material: `python -m benchmarks.accuracy`.

The same as `malgwi evaluate`, with the model loaded once, and the result kept for RESULTS.md.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import malgwi.cli  # noqa: F401 (sets up the process as the command does)
from benchmarks import work
from malgwi.apps.evaluation import Result, Selection, Transcribe, as_json, as_markdown, evaluate
from malgwi.types import Transcript


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
        _transcriber(given.engine, given.model),
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


def _transcriber(engine: str, model: str) -> Transcribe:
    from malgwi import audio, bootstrap, pipeline
    from malgwi.config import read_config

    engines = bootstrap.engines(read_config(), engine=engine, model=model)

    def transcribe(files: Sequence[Path], language: str | None) -> Transcript:
        request = pipeline.Request([language])
        return pipeline.transcribe(audio.open_recording(files), engines, request)

    return transcribe


def _told(done: int, of: int, result: Result) -> None:
    print(f"{done}/{of} {result.id}", file=sys.stderr)


if __name__ == "__main__":
    main()
