"""Ids rise with time and are never the same."""

from concurrent.futures import ThreadPoolExecutor

from malgwi.store.ids import looks_like_id, new_id


def test_ids_rise_also_within_a_millisecond() -> None:
    ids = [new_id() for _ in range(10_000)]

    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


def test_ids_of_many_threads_are_all_different() -> None:
    with ThreadPoolExecutor(4) as threads:
        ids = list(threads.map(lambda _: new_id(), range(10_000)))

    assert len(set(ids)) == len(ids)


def test_an_id_looks_like_one_and_nothing_else_does() -> None:
    assert looks_like_id(new_id())
    for other in ("", "x", new_id() + "\n", new_id().upper(), "0" * 36):
        assert not looks_like_id(other)
