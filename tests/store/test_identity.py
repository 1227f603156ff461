"""A database and a folder that do not belong together are refused, and it is said what to do."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from store.kept import with_media

from malgwi.errors import StoreError
from malgwi.store import SqlStore
from malgwi.store.identity import FILE

Opening = Callable[[str, Path], SqlStore]


@pytest.fixture
def opening() -> Iterator[Opening]:
    """Opens, and closes what it has opened after the test."""
    opened: list[SqlStore] = []

    def open_(url: str, folder: Path) -> SqlStore:
        opened.append(SqlStore(url, folder))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()


def other_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'other.db'}"


def test_both_are_given_one_id_and_keep_it(url: str, data: Path, opening: Opening) -> None:
    first = opening(url, data)

    assert (data / FILE).read_text("ascii").strip() == first.instance
    assert opening(url, data).instance == first.instance


def test_a_new_folder_is_nobody_elses(tmp_path: Path, opening: Opening) -> None:
    folder = tmp_path / "not" / "yet"

    opening(f"sqlite:///{folder / 'malgwi.db'}", folder)

    assert folder.stat().st_mode & 0o077 == 0


def test_a_folder_that_is_there_keeps_its_rights(tmp_path: Path, opening: Opening) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    folder.chmod(0o750)

    opening(f"sqlite:///{folder / 'malgwi.db'}", folder)

    assert folder.stat().st_mode & 0o777 == 0o750


def test_a_database_may_lie_in_a_folder_that_is_not_there_yet(
    tmp_path: Path, opening: Opening
) -> None:
    folder = tmp_path / "not" / "yet"

    opening(f"sqlite:///{folder / 'malgwi.db'}", folder)

    assert (folder / FILE).is_file()


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path, opening: Opening) -> None:
    (tmp_path / "file").write_text("in the way", "ascii")

    with pytest.raises(StoreError, match="cannot be made"):
        opening(f"sqlite:///{tmp_path / 'malgwi.db'}", tmp_path / "file")


def test_two_that_open_it_for_the_first_time_agree(url: str, data: Path, opening: Opening) -> None:
    together = Barrier(4)

    def open_(_: int) -> str:
        together.wait(timeout=30)
        return opening(url, data).instance

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(open_, range(4)))) == 1


def test_an_empty_folder_where_data_used_to_be_is_refused(
    url: str, data: Path, opening: Opening
) -> None:
    with_media(opening(url, data), b"sound")

    with pytest.raises(StoreError, match="mounted"):
        opening(url, data.parent / "empty")

    assert not (data.parent / "empty" / FILE).exists()


def test_the_folder_of_another_database_is_refused(
    url: str, data: Path, tmp_path: Path, opening: Opening
) -> None:
    opening(url, data)
    opening(other_url(tmp_path), tmp_path / "other")

    with pytest.raises(StoreError, match="not that of the database"):
        opening(url, tmp_path / "other")


def test_an_empty_database_where_there_are_data_is_refused(
    url: str, data: Path, tmp_path: Path, opening: Opening
) -> None:
    opening(url, data)

    with pytest.raises(StoreError, match="empty, but there are data"):
        opening(other_url(tmp_path), data)


def test_media_without_an_id_are_not_taken_for_an_empty_folder(
    url: str, data: Path, tmp_path: Path, opening: Opening
) -> None:
    with_media(opening(url, data), b"sound")
    (data / FILE).unlink()

    with pytest.raises(StoreError, match="empty, but there are data"):
        opening(other_url(tmp_path), data)


def test_a_kill_between_the_two_ids_is_mended(url: str, data: Path, opening: Opening) -> None:
    first = opening(url, data)
    (data / FILE).unlink()

    assert opening(url, data).instance == first.instance
    assert (data / FILE).is_file()


def test_a_folder_that_was_moved_is_known_again(url: str, data: Path, opening: Opening) -> None:
    recording = with_media(opening(url, data), b"sound")
    moved = data.parent / "moved"
    shutil.move(data, moved)

    again = opening(url, moved)

    assert again.media_path(recording.media[0].sha256).read_bytes() == b"sound"


def test_a_damaged_id_is_refused(url: str, data: Path, opening: Opening) -> None:
    opening(url, data)
    (data / FILE).write_text("\n", "ascii")

    with pytest.raises(StoreError, match="holds no id"):
        opening(url, data)
