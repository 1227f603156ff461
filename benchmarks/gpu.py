"""What a machine with a GPU is worth: `python -m benchmarks.gpu RECORDING...`.

Says what is there, which rungs there are and which one holds, then how fast each of them
recognises the recordings. Nothing is written; a machine without a GPU has nothing to measure.
"""

import argparse
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from malgwi import audio, bootstrap, devices, pipeline
from malgwi.config import Config, SttConfig, read_config
from malgwi.devices import Ladder, Library, Rung
from malgwi.errors import BadOption, EngineError
from malgwi.pipeline import Engines
from malgwi.stt import check_canary

ENGINES: dict[str, Library] = {"faster-whisper": "ctranslate2", "transformers": "torch"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", nargs="+", type=Path)
    parser.add_argument("--model", default="whisper-base")
    parser.add_argument("--language", default="en")
    given = parser.parse_args()
    here = devices.inventory()
    print("\n".join(here.evidence))
    if not here.cards:
        raise SystemExit("There is no GPU here that could be measured.")
    weights = read_config().models / given.model / "model.bin"
    for engine, library in ENGINES.items():
        try:
            found = version(library)
        except PackageNotFoundError:
            print(f"\n# {engine}: {library} is not installed")
            continue
        print(f"\n# {engine} with {library} {found}")
        ladder = devices.rungs("auto", here, found, weights.stat().st_size, library)
        measure(engine, ladder, given)


def measure(engine: str, ladder: Ladder, given: argparse.Namespace) -> None:
    for reason in ladder.left_out:
        print(f"left out: {reason.cause} ({reason.id})")
    landed = devices.climb(
        ladder,
        lambda rung: load(engine, given.model, rung),
        lambda engines: check_canary(engines.stt),
    )
    print(f"holds: {landed.rung}; {landed.fallback_reason or 'nothing failed before'}\n")
    del landed
    print(f"{'rung':22} {'first canary s':>14} {'next':>6} {'x real time':>12}")
    for rung in ladder.rungs:
        try:
            engines = load(engine, given.model, rung)
            first, following = check_canary(engines.stt), check_canary(engines.stt)
        except (EngineError, BadOption) as error:
            print(f"{rung!s:22} {error.__cause__ or error}")
            continue
        speed = times_real_time(engines, given.recordings, given.language)
        print(f"{rung!s:22} {first or 0:14.2f} {following or 0:6.2f} {speed:12.1f}")


def load(engine: str, model: str, rung: Rung) -> Engines:
    place: dict[str, object] = {"device": rung.place}
    if engine == "faster-whisper":
        place = {"device": rung.device, "device_index": rung.device_index}
    options = {**place, "compute_type": rung.compute_type}
    return bootstrap.engines(Config(stt=SttConfig(engine=engine, model=model, options=options)))


def times_real_time(engines: Engines, recordings: list[Path], language: str) -> float:
    """Of the whole pipeline, decoding included; the canary has warmed it up."""
    request = pipeline.Request([language])
    began = time.monotonic()
    timings = [
        pipeline.transcribe(audio.open_recording([each]), engines, request).timings
        for each in recordings
    ]
    return sum(each.audio for each in timings) / (time.monotonic() - began)


if __name__ == "__main__":
    main()
