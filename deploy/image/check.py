"""The last step of a build: an image that cannot work is not made.

Every module is imported, every engine of the image is found, sound is decoded and looked through
for speech, and `malgwi serve` answers on all of its doors: a form with a file, a page, its health.
What is missing fails here, and not when somebody starts it.

    python check.py [ENGINE ...] [LIBRARY ...]

with the engines that it has beside the usual ones, and the libraries that have to be there, as
libcublas.so.12. Whoever uses one of them has to get the same: two of a kind in a process clash.
"""

import ctypes
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import click
import httpx
import numpy as np

import malgwi
from malgwi import plugins

ENGINES = ("faster-whisper", "openai-http", "whisper-cpp")
LEFT_OUT = {"torch", "transformers", "moonshine_voice", "jiwer", "whisper_normalizer", "meeteval"}
"""Packages of engines and measurements that are in no image."""
DATABASES_AND_QUEUE = ("psycopg", "pgvector.sqlalchemy", "celery", "redis")
RATE = 16_000


def main(wanted: list[str]) -> None:
    libraries = [each for each in wanted if ".so." in each]
    engines = [*ENGINES, *(each for each in wanted if each not in libraries)]
    modules = [*imported()]
    for each in DATABASES_AND_QUEUE:
        import_module(each)
    for each in engines:
        plugins.load("stt", each)
    for each in libraries:
        load_once(each)
    with tempfile.TemporaryDirectory() as folder:
        sound = noise(Path(folder))
        look_for_speech(sound)
        serve(Path(folder), sound)
    click.echo(
        f"Malgwi {version('malgwi')}: {len(modules)} modules, engines {', '.join(engines)}, "
        f"libraries {', '.join(libraries) or 'none'}; the service answers."
    )


def imported() -> Iterator[str]:
    for each in pkgutil.walk_packages(malgwi.__path__, "malgwi."):
        if ".migrations." in each.name:
            continue  # Alembic runs them
        try:
            import_module(each.name)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in LEFT_OUT:
                raise
        else:
            yield each.name


def load_once(library: str) -> None:
    """Whoever was imported may have loaded it already, from where its own packages are."""
    ctypes.CDLL(library)
    mapped = Path("/proc/self/maps").read_text("utf-8").split()
    found = sorted({each for each in mapped if Path(each).name == library})
    if len(found) != 1:
        raise SystemExit(f"{library} is loaded from more than one place: {', '.join(found)}")


def noise(folder: Path) -> Path:
    """Two seconds in a container that needs a codec."""
    import av

    path = folder / "noise.flac"
    samples = np.random.default_rng(0).integers(-3000, 3000, (1, 2 * RATE), "i2")
    with av.open(str(path), "w") as file:
        stream = file.add_stream("flac", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
        frame.rate = RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            file.mux(packet)
    return path


def look_for_speech(path: Path) -> None:
    from malgwi.audio import open_recording

    detector = plugins.load("vad", "silero")()
    recording = open_recording([path])
    for block in recording.blocks():
        detector.probabilities(block.samples)


def serve(folder: Path, sound: Path) -> None:
    """`malgwi serve` with an engine that needs no model, asked once at each kind of door."""
    process = subprocess.Popen(
        [Path(sys.executable).with_name("malgwi"), "serve", "--port", "0"],
        env={
            **os.environ,
            "MALGWI_HOME": str(folder / "home"),
            "MALGWI_STORE__DATA": str(folder / "data"),
            "MALGWI_STT__ENGINE": "scripted",
            "MALGWI_ENGINE__WYOMING": "0",
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        address = process.stdout.readline().removeprefix("Listening on ").strip().rstrip(".")
        if not address:
            raise SystemExit("malgwi serve does not start; why, it says above.")
        with httpx.Client(base_url=address, timeout=60, trust_env=False) as http:
            form = {"file": sound.read_bytes()}
            for answer in (
                http.get("/health"),
                http.get("/sign-in"),
                http.get("/openapi.json"),
                http.post("/v1/audio/transcriptions", files=form),
            ):
                answer.raise_for_status()
            json.loads(answer.text)
    finally:
        process.terminate()
        process.wait(60)


if __name__ == "__main__":
    main(sys.argv[1:])
