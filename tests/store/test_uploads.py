import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from store.conftest import quickly_in_both

from malgwi.errors import NotFound, Overloaded, StoreFull
from malgwi.store import Database, PendingUpload, Uploads, Writing
from malgwi.store.schema import upload


@pytest.fixture
def uploads(database: Database, tmp_path: Path) -> Uploads:
    return Uploads(database, tmp_path / "uploads", reserve=0, most=3)


def begun(uploads: Uploads, size: int = 10) -> PendingUpload:
    return uploads.begin(size, "radio.wav", "audio/wav", {"labels": ["무전"]}, "somebody")


def received(uploads: Uploads, pending: PendingUpload, data: bytes) -> PendingUpload:
    with uploads.writing(pending.id) as writing:
        assert writing
        writing.write(data)
        return writing.keep()


def lying_about(folder: Path) -> list[str]:
    return [each.name for each in (folder / "uploads").iterdir()]


def test_an_upload_knows_what_it_was_begun_with(uploads: Uploads) -> None:
    pending = begun(uploads)

    assert uploads.find(pending.id) == pending
    assert (pending.size, pending.received, pending.owner) == (10, 0, "somebody")
    assert pending.metadata == {"labels": ["무전"]}
    assert pending.expires > datetime.now(UTC)


@quickly_in_both
def test_pieces_follow_each_other(uploads: Uploads) -> None:
    pending = begun(uploads)

    assert received(uploads, pending, b"01234").received == 5
    assert received(uploads, pending, b"56789").whole

    with uploads.whole_file(pending.id) as path:
        assert path.read_bytes() == b"0123456789"


def test_what_was_written_and_not_kept_when_a_kill_came_is_cut_off(
    uploads: Uploads, tmp_path: Path
) -> None:
    pending = begun(uploads)
    received(uploads, pending, b"0123")
    (tmp_path / "uploads" / pending.id).write_bytes(b"0123XXXXXX")

    assert uploads.find(pending.id).received == 4
    received(uploads, pending, b"45")

    assert (tmp_path / "uploads" / pending.id).read_bytes() == b"012345"


def test_bytes_that_are_lost_are_asked_for_again(uploads: Uploads, tmp_path: Path) -> None:
    pending = begun(uploads)
    received(uploads, pending, b"0123")

    (tmp_path / "uploads" / pending.id).unlink()

    assert uploads.find(pending.id).received == 0
    assert received(uploads, pending, b"0123456789").whole


def test_what_is_taken_back_does_not_count(uploads: Uploads) -> None:
    pending = begun(uploads)
    received(uploads, pending, b"01")

    with uploads.writing(pending.id) as writing:
        assert writing
        writing.write(b"wrong")
        writing.take_back()
        writing.write(b"2")
        writing.keep()

    assert uploads.find(pending.id).received == 3


def test_one_at_a_time_writes_on_an_upload(uploads: Uploads) -> None:
    pending = begun(uploads)

    with uploads.writing(pending.id) as first, uploads.writing(pending.id) as second:
        assert first
        assert second is None

    with uploads.writing(pending.id) as after:
        assert after


def test_a_finished_upload_leaves_no_file_and_is_remembered(
    uploads: Uploads, tmp_path: Path
) -> None:
    pending = begun(uploads, 2)
    received(uploads, pending, b"01")
    assert [each.id for each in uploads.unfinished()] == [pending.id]

    with uploads.whole_file(pending.id) as path:
        path.rename(tmp_path / "moved")
    finished = uploads.finish(pending.id, "ab" * 32, "the recording")

    assert finished.done
    assert uploads.find(pending.id).recording_id == "the recording"
    assert uploads.unfinished() == ()
    assert lying_about(tmp_path) == []


def test_a_kill_between_moving_the_file_and_remembering_it_costs_nothing(
    uploads: Uploads, tmp_path: Path
) -> None:
    pending = begun(uploads, 2)
    received(uploads, pending, b"01")

    with uploads.whole_file(pending.id) as path:
        path.rename(tmp_path / "moved")

    with uploads.whole_file(pending.id) as path:
        assert path.read_bytes() == b"01"


def test_a_kill_before_the_file_is_moved_leaves_no_second_copy_behind(
    uploads: Uploads, tmp_path: Path
) -> None:
    pending = begun(uploads, 2)
    received(uploads, pending, b"01")
    with uploads.whole_file(pending.id) as path:
        path.with_suffix(".0123456789abcdef").hardlink_to(path)  # what a kill here leaves

    uploads.finish(pending.id, "ab" * 32, "the recording")

    assert lying_about(tmp_path) == []


def test_a_removed_upload_is_gone_also_for_who_writes_on_it(
    uploads: Uploads, tmp_path: Path
) -> None:
    pending = begun(uploads)

    with uploads.writing(pending.id) as writing:
        assert writing
        uploads.remove(pending.id)
        with pytest.raises(NotFound):
            written(writing)

    with pytest.raises(NotFound):
        uploads.find(pending.id)
    assert lying_about(tmp_path) == []


def written(writing: Writing) -> None:
    writing.write(b"x")
    writing.keep()


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "0190a1b2-0000-7000-8000-000000000000"])
def test_what_is_no_upload_is_not_found(uploads: Uploads, name: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        uploads.find(name)
    with pytest.raises(NotFound), uploads.writing(name):
        pass
    with pytest.raises(NotFound):
        uploads.remove(name)
    assert lying_about(tmp_path) == []


def test_what_expired_is_swept_with_its_file(
    uploads: Uploads, database: Database, tmp_path: Path
) -> None:
    old, young = begun(uploads), begun(uploads)
    received(uploads, old, b"01")
    received(uploads, young, b"01")
    before = datetime.now(UTC) - timedelta(seconds=1)
    this = upload.c.id == old.id
    database.write(lambda it: it.execute(upload.update().where(this).values(expires=before)))

    with pytest.raises(NotFound):
        uploads.find(old.id)
    assert uploads.sweep() == 1

    assert lying_about(tmp_path) == [young.id]
    assert database.read(lambda it: it.scalar(sa.select(sa.func.count()).select_from(upload))) == 1


def test_a_file_that_is_nobodys_is_swept_when_it_is_old(uploads: Uploads, tmp_path: Path) -> None:
    kept = begun(uploads)
    received(uploads, kept, b"01")
    for name in ("stray", "fresh", kept.id):
        (tmp_path / "uploads" / name).touch()
    for name in ("stray", kept.id):
        os.utime(tmp_path / "uploads" / name, (0, 0))

    assert uploads.sweep() == 1
    assert sorted(lying_about(tmp_path)) == sorted([kept.id, "fresh"])


def test_too_many_uploads_at_once_are_put_off(uploads: Uploads) -> None:
    for _ in range(3):
        begun(uploads)

    with pytest.raises(Overloaded):
        begun(uploads)


def test_no_room_is_said_before_the_first_byte(database: Database, tmp_path: Path) -> None:
    full = Uploads(database, tmp_path / "uploads", reserve=2**62)

    with pytest.raises(StoreFull):
        begun(full, 1)
