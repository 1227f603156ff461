"""What the tests of several rooms need: a loaded Whisper, real speech, PostgreSQL and Redis.

Where a model or a recording is missing its tests are skipped, but not in CI: a suite that skips
everything is green and proves nothing.
"""

import gc
import os
import shutil
import signal
import wave
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from hypothesis import settings
from jobs.servers import NoRedis, RedisServer, redis_server
from store.postgresql import TEMPLATE, NoPostgreSQL, PostgreSQL, postgresql

from malgwi import ops, plugins
from malgwi.errors import EngineError
from malgwi.ops.sample import NAME, READING, make_sample
from malgwi.store import connect, migration
from malgwi.stt import Transcriber
from malgwi.types import Samples
from malgwi.vad import VoiceDetector

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as under nohup; children would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("quick", max_examples=15, deadline=None)
settings.register_profile("thorough", max_examples=100, deadline=None)


def pytest_configure(config: pytest.Config) -> None:
    """Where the slow tests are left out, there are fewer examples."""
    settings.load_profile("quick" if config.option.markexpr == "not slow" else "thorough")


def pytest_collection_finish() -> None:
    """What is there now stays until the end, and need not be looked through again and again."""
    gc.collect()
    gc.freeze()


def missing(reason: str) -> NoReturn:
    if "CI" in os.environ:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def models() -> Path:
    """The folder of the models of whoever runs the tests."""
    return Path(os.environ.get("MALGWI_MODELS") or Path.home() / ".malgwi" / "models")


@pytest.fixture(scope="session")
def whisper(models: Path) -> Transcriber:
    """Whisper base, loaded once for all tests."""
    try:
        engine: Transcriber = plugins.load("stt", "faster-whisper")(
            ops.find("whisper-base", models)
        )
    except EngineError as error:
        missing(str(error))
    return engine


@pytest.fixture(scope="session")
def silero() -> Callable[[], VoiceDetector]:
    """Makes a detector for a recording."""
    try:
        make: Callable[[], VoiceDetector] = plugins.load("vad", "silero")
    except EngineError as error:
        missing(str(error))
    return make


@pytest.fixture(scope="session")
def sample(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four people on four channels, 63 s: see ops/sample.py."""
    if (models / "sample" / NAME).is_file():
        return models / "sample" / NAME
    package = find_spec("moonshine_voice")
    reading = package and package.origin and Path(package.origin).parent / "assets" / READING
    if not reading or not reading.is_file():
        missing("There is no sample. Run: malgwi models pull sample")
    folder = tmp_path_factory.mktemp("sample")
    shutil.copy(reading, folder)
    make_sample(folder)
    return folder / NAME


@pytest.fixture(scope="session")
def channels(sample: Path) -> list[Samples]:
    """The sound of the sample, channel by channel."""
    with wave.open(str(sample), "rb") as file:
        packed = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        sound = packed.reshape(-1, file.getnchannels()).T / np.float32(32768)
    return [np.ascontiguousarray(row) for row in sound]


@pytest.fixture(scope="session")
def server() -> Iterator[PostgreSQL]:
    """One for all tests, with a database of which each leaves the tables, and makes it empty."""
    try:
        with postgresql() as running:
            _migrate(running.create(TEMPLATE))
            yield running
    except NoPostgreSQL as error:
        missing(str(error))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database with all tables and nothing in them."""
    path = tmp_path_factory.mktemp("template") / "malgwi.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    """One for all tests."""
    try:
        with redis_server() as running:
            yield running
    except NoRedis as error:
        missing(str(error))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The measuring material beside the checkout; whoever uses it is marked `shared`."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip(f"There is no {folder}.")
    return folder


def _migrate(url: str) -> None:
    database = connect(url)
    migration.upgrade(database)
    database.close()
