"""What is plugged in is found, and where it cannot be used a sentence says why."""

from pathlib import Path

import pytest

from malgwi import plugins
from malgwi.errors import EngineError, EngineFailed, EngineMissing, EngineUnknown


def install(folder: Path, source: str) -> str:
    """An engine `odd` of somebody else, whose module is `source`, for who has the folder."""
    about = folder / "odd-1.0.dist-info"
    about.mkdir()
    (folder / f"{folder.name}.py").write_text(source)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[malgwi.stt]\nodd = {folder.name}:Odd\n")
    return str(folder)


def test_an_engine_of_somebody_else_is_found_beside_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(install(tmp_path, "class Odd: pass"))

    assert {"odd", "scripted"} <= set(plugins.names("stt"))
    assert plugins.load("stt", "odd").__name__ == "Odd"


def test_an_unknown_name_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(EngineUnknown, match=r"'quick'.*energy, silero"):
        plugins.load("vad", "quick")


@pytest.mark.parametrize(
    ("source", "error", "why"),
    [
        ("import no_such_library", EngineMissing, "no module no_such_library"),
        ("from math import no_such_name", EngineFailed, "cannot be loaded.*no_such_name"),
        ("import ctypes; ctypes.CDLL('./no.so')", EngineFailed, "cannot be loaded.*no.so"),
    ],
    ids=["missing", "another version", "another machine"],
)
def test_a_library_that_cannot_be_loaded_is_a_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    error: type[EngineError],
    why: str,
) -> None:
    monkeypatch.syspath_prepend(install(tmp_path, source))

    with pytest.raises(error, match=rf"^odd .*{why}.*Run: pip install"):
        plugins.load("stt", "odd")
