"""What a worker process is given to do its jobs with."""

from pathlib import Path
from threading import Event

import pytest
from plugged_in import install
from pydantic import SecretStr

from malgwi import workers
from malgwi.apps.transcription.orders import KIND, Order
from malgwi.apps.transcription.work import Transcribing
from malgwi.config import Config, ServeConfig, StoreConfig, read_config, setting_names
from malgwi.errors import BadOption
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


@pytest.mark.parametrize(
    ("watch", "data", "url"),
    [
        (".", "data", None),
        ("data", "data", None),
        ("data/in", "data", None),
        ("link", "data", None),
        ("db", "data", "sqlite:///{}/db/malgwi.db"),
    ],
)
def test_a_watched_folder_in_which_something_is_kept_is_refused(
    tmp_path: Path, watch: str, data: str, url: str | None
) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    address = None if url is None else SecretStr(url.format(tmp_path))
    store = StoreConfig(data=tmp_path / data, url=address)
    config = Config(serve=ServeConfig(watch=tmp_path / watch), store=store)

    with pytest.raises(BadOption, match="lie in each other"):
        workers.check_watched_folder(config)


def test_a_watched_folder_beside_what_is_kept_is_watched(tmp_path: Path) -> None:
    store = StoreConfig(data=tmp_path / "data")
    config = Config(serve=ServeConfig(watch=tmp_path / "data-in"), store=store)

    workers.check_watched_folder(config)
