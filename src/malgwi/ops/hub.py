"""The model hub, by huggingface_hub: the only module that imports it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from malgwi.errors import NetworkError
from malgwi.ops.registry import Model

_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS}
_PATIENCE = 5.0  # seconds to wait for a first sign of life; its own retries take half a minute


class Hub:
    """Files of a repository at a fixed revision. A download that was broken off is resumed."""

    name = "the hub"

    def offers(self, model: Model) -> bool:
        return model.repository is not None

    def overhead(self, model: Model) -> int:
        return 0

    def fetch(self, model: Model, into: Path) -> None:
        if not find_spec("huggingface_hub"):
            raise NetworkError("huggingface_hub is not installed")
        with _translated():
            _knock()
            for file in model.fetched:
                _download(model, file.name, into)


def _knock() -> None:
    """Raise at once where the hub cannot be reached at all, as in many companies."""
    from huggingface_hub import constants, get_session

    get_session().head(constants.ENDPOINT, timeout=_PATIENCE)


def _download(model: Model, name: str, into: Path) -> None:
    from huggingface_hub import hf_hub_download

    assert model.repository
    hf_hub_download(model.repository, name, revision=model.revision, local_dir=into)


@contextmanager
def _translated() -> Iterator[None]:
    """Its errors have no common base, and those of its HTTP library changed with releases."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
            raise
        said = str(error).splitlines()
        raise NetworkError(f"{type(error).__name__}: {said[0] if said else 'no reason'}") from error
