"""What is set for CTranslate2 before its first model."""

import os
from pathlib import Path

import pytest

from malgwi.stt.processor import use_wide_vectors

ISA = "CT2_FORCE_CPU_ISA"


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ISA, "")  # so that it is put back afterwards, whatever the test sets
    monkeypatch.delenv(ISA)


def processor(folder: Path, flags: str) -> Path:
    path = folder / "cpuinfo"
    path.write_text(f"processor\t: 0\nflags\t\t: fpu sse2 {flags}\n")
    return path


@pytest.mark.usefixtures("unset")
def test_a_processor_with_vnni_uses_its_wide_vectors(tmp_path: Path) -> None:
    use_wide_vectors(processor(tmp_path, "avx2 avx512f avx512_vnni"))

    assert os.environ[ISA] == "AVX512"


@pytest.mark.usefixtures("unset")
@pytest.mark.parametrize("flags", ["avx2", "avx2 avx512f avx512bw"])
def test_a_processor_without_it_is_left_alone(tmp_path: Path, flags: str) -> None:
    use_wide_vectors(processor(tmp_path, flags))

    assert ISA not in os.environ


def test_what_somebody_has_set_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ISA, "AVX2")

    use_wide_vectors(processor(tmp_path, "avx512_vnni"))

    assert os.environ[ISA] == "AVX2"


@pytest.mark.usefixtures("unset")
def test_where_nothing_is_said_of_the_processor_nothing_is_set(tmp_path: Path) -> None:
    use_wide_vectors(tmp_path / "missing")

    assert ISA not in os.environ
