"""The application is cheap to import, and its names are all there."""

import subprocess
import sys

import pytest

from malgwi.apps import transcription


def test_importing_it_loads_no_heavy_library() -> None:
    heavy = {"docx", "rich", "pydantic", "numpy.testing", "lxml"}
    code = (
        "import sys; from malgwi.apps.transcription import FORMATS, Format; "
        f"print(sorted({heavy!r} & set(sys.modules)), *FORMATS)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[] json srt vtt txt csv docx rttm ctm\n"


@pytest.mark.parametrize("name", transcription.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(transcription, name) is not None


def test_a_name_that_is_not_there_is_an_ordinary_mistake() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = transcription.nothing
