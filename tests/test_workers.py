"""What a worker process is given to do its jobs with."""

from pathlib import Path
from threading import Event

import pytest
from plugged_in import install

from malgwi import workers
from malgwi.apps.transcription.orders import KIND, Order
from malgwi.apps.transcription.work import Transcribing
from malgwi.config import read_config, setting_names
from malgwi.types import Lane


def test_the_engines_are_those_of_the_settings_loaded_once_and_without_a_model_where_none_is_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in setting_names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.syspath_prepend(install(tmp_path / "site"))
    monkeypatch.setenv("MALGWI_HOME", str(tmp_path))
    monkeypatch.setenv("MALGWI_STT__ENGINE", "slow")
    handler = workers.worker_context(read_config()).handlers[KIND]
    assert isinstance(handler, Transcribing)

    first, second = (handler.engines(Order("any"), Lane.BATCH, Event()) for _ in range(2))

    assert type(first.stt).__name__ == "Slow"
    assert second.stt is first.stt
    handler.store.close()
