"""The model hub, by huggingface_hub: the only module that imports it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from malgwi.errors import NetworkError
from malgwi.ops.digest import size_fault
from malgwi.ops.registry import Model, ModelFile

_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS}
_PATIENCE = 5.0  # seconds to wait for a first sign of life; its own retries take half a minute


class Hub:
    """Files of a repository at a fixed revision. A file that was broken off is gone on with."""

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
                _download(model, file, into)


def _knock() -> None:
    """Raise at once where the hub cannot be reached at all, as in many companies."""
    from huggingface_hub import constants, get_session

    get_session().head(constants.ENDPOINT, timeout=_PATIENCE)


def _download(model: Model, file: ModelFile, into: Path) -> None:
    """Go on with what an earlier try left. hf_hub_download would begin again at each try."""
    from huggingface_hub import get_token, hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils.tqdm import disable_progress_bars

    if not size_fault(into / file.name, file):
        return
    assert model.repository
    disable_progress_bars()
    token = get_token()
    begun = into / f"{file.name}.part"
    with begun.open("ab") as out:
        if out.tell() < file.size:
            http_get(
                hf_hub_url(model.repository, file.name, revision=model.revision),
                out,
                resume_size=out.tell(),
                expected_size=file.size,
                headers={"Authorization": f"Bearer {token}"} if token else {},
            )
    begun.replace(into / file.name)


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
