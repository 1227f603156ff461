"""One contender on one piece of work, in a process of its own: `python -m benchmarks.contenders`.

All get the same weights, the language, greedy decoding and the same number of threads; the
peers keep their library's defaults for the rest. The clock starts when the model is loaded.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.work import Work


@dataclass(frozen=True, slots=True)
class Job:
    """What a contender is told."""

    files: Sequence[str]
    language: str
    model: str
    """Name of a folder in the folder of models."""
    threads: int

    @property
    def model_dir(self) -> Path:
        from malgwi.config import read_config

        return read_config().models / self.model


@dataclass(frozen=True, slots=True)
class Outcome:
    """What it heard and what that took."""

    heard: list[list[str]]
    """A text a channel a file."""
    wall: float
    """Seconds, decoding included."""
    decoding: float
    """Of that, before the recogniser began; where stages overlap, busy seconds of the decoder."""
    more: dict[str, float] = field(default_factory=dict)
    peak_memory: int = 0


def ours(job: Job) -> Outcome:
    """The pipeline, all channels together."""
    import malgwi.cli  # noqa: F401 (sets up the process as the command does)
    from malgwi import audio, bootstrap, pipeline
    from malgwi.config import Config, SttConfig

    options = {"threads": job.threads}
    engines = bootstrap.engines(Config(stt=SttConfig(model=job.model, options=options)))
    request = pipeline.Request([job.language])
    began = time.monotonic()
    found = [
        pipeline.transcribe(audio.open_recording([Path(file)]), engines, request)
        for file in job.files
    ]
    wall = time.monotonic() - began
    heard = [
        [
            " ".join(each.text for each in one.of_channel(channel.index) if each.counts)
            for channel in one.channels
        ]
        for one in found
    ]
    timings = [one.timings for one in found]
    utterances = [each for one in found for each in one.utterances]
    more = {
        "vad": sum(each.vad for each in timings),
        "recognition": sum(each.recognition for each in timings),
        "retried": sum(each.attempts > 1 for each in utterances),
        "suppressed": sum(each.suppressed is not None for each in utterances),
        "utterances": len(utterances),
    }
    return Outcome(heard, wall, sum(each.decoding for each in timings), more)


def batched(job: Job, *, word_times: bool = False) -> Outcome:
    """faster-whisper's batched pipeline, one channel after the other."""
    from faster_whisper import BatchedInferencePipeline

    pipeline = BatchedInferencePipeline(_whisper(job))

    def hear(samples: Any) -> str:
        segments, _ = pipeline.transcribe(
            samples, language=job.language, beam_size=1, batch_size=8, word_timestamps=word_times
        )
        return _joined(segments)

    return _looped(job, hear)


def sequential(job: Job, *, word_times: bool = False, conditioned: bool = True) -> Outcome:
    """faster-whisper's plain model, one channel after the other."""
    model = _whisper(job)

    def hear(samples: Any) -> str:
        segments, _ = model.transcribe(
            samples,
            language=job.language,
            beam_size=1,
            vad_filter=True,
            word_timestamps=word_times,
            condition_on_previous_text=conditioned,
        )
        return _joined(segments)

    return _looped(job, hear)


CONTENDERS: dict[str, Callable[[Job], Outcome]] = {
    "malgwi": ours,
    "batched": batched,
    "batched-words": lambda job: batched(job, word_times=True),
    "sequential": sequential,
    "sequential-words": lambda job: sequential(job, word_times=True),
    "sequential-free": lambda job: sequential(job, conditioned=False),
    "sequential-free-words": lambda job: sequential(job, word_times=True, conditioned=False),
}
"""`-words`: with a time for each word, as ours always has. `-free`: without the text before as a
prompt, which the library's default gives and which may spread an error."""


def _whisper(job: Job) -> Any:
    from faster_whisper import WhisperModel

    return WhisperModel(
        str(job.model_dir), device="cpu", compute_type="int8", cpu_threads=job.threads
    )


def _looped(job: Job, hear: Callable[[Any], str]) -> Outcome:
    began, decoding, heard = time.monotonic(), 0.0, []
    for file in job.files:
        before = time.monotonic()
        channels = _decoded(file)
        decoding += time.monotonic() - before
        heard.append([hear(channel) for channel in channels])
    return Outcome(heard, time.monotonic() - began, decoding)


def _decoded(file: str) -> Sequence[Any]:
    """A row a channel. The library decodes one channel, or two; more need another reader."""
    import numpy as np
    import soundfile
    from faster_whisper import decode_audio

    if soundfile.info(file).channels == 1:
        return [decode_audio(file)]
    samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
    if rate != 16_000:
        raise SystemExit(f"{file} has {rate} Hz; the peers need 16,000.")
    return list(np.ascontiguousarray(samples.T))


def _joined(segments: Iterable[Any]) -> str:
    return " ".join(each.text.strip() for each in segments)


def read_work(path: Path) -> Work:
    from pydantic import TypeAdapter

    return TypeAdapter(Work).validate_json(path.read_bytes())


def main() -> None:
    from malgwi.apps.evaluation import peak_memory

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contender", choices=CONTENDERS)
    parser.add_argument("work", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", default="whisper-base")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    work = read_work(given.work)
    job = Job([each.path for each in work.recordings], work.language, given.model, given.threads)
    outcome = asdict(CONTENDERS[given.contender](job))
    given.out.write_text(json.dumps({**outcome, "peak_memory": peak_memory()}), "utf-8")


if __name__ == "__main__":
    main()
