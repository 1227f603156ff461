import logging
from pathlib import Path

import pytest

from malgwi.errors import BadOption
from malgwi.gateway import Keys, hash_of, new_key, presented, read_keys


def test_a_new_key_is_accepted_by_its_hash_and_no_other_is() -> None:
    key = new_key()

    keys = Keys.of(hashes=[hash_of(new_key()), hash_of(key)])

    assert keys
    assert keys.accepts(key)
    assert not keys.accepts(new_key())
    assert not keys.accepts("")


def test_without_keys_everybody_is_accepted() -> None:
    assert not Keys()
    assert Keys().accepts("")
    assert Keys().accepts("anything")


def test_two_keys_are_never_the_same_and_say_whose_they_are() -> None:
    made = {new_key() for _ in range(100)}

    assert len(made) == 100
    assert all(key.startswith("mg_") and len(key) >= 46 for key in made)


def test_what_is_kept_does_not_show_the_key() -> None:
    key = new_key()

    assert key not in repr(Keys.of([key]))
    assert key not in hash_of(key)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer the-key"},
        {"authorization": "bearer  the-key "},
        {"authorization": "Token the-key"},
        {"x-api-key": "the-key"},
        {"authorization": "Basic dXNlcg==", "x-api-key": "the-key"},
    ],
)
def test_a_key_is_found_where_each_dialect_puts_it(headers: dict[str, str]) -> None:
    assert presented(headers) == "the-key"


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer"}, {"authorization": "the-key"}])
def test_where_there_is_no_key_none_is_found(headers: dict[str, str]) -> None:
    assert presented(headers) == ""


def test_a_key_file_has_a_name_and_a_hash_a_line(tmp_path: Path) -> None:
    first, second = new_key(), new_key()
    file = tmp_path / "keys"
    file.write_text(
        f"# ours\n\nradio {hash_of(first)}  # control room\n{'web'} {hash_of(second)}\n"
    )
    file.chmod(0o600)

    keys = read_keys(file, None)

    assert keys.accepts(first)
    assert keys.accepts(second)
    assert not keys.accepts(hash_of(first))


def test_keys_of_the_setting_and_of_the_file_are_all_accepted(tmp_path: Path) -> None:
    in_file, one, other = new_key(), new_key(), new_key()
    file = tmp_path / "keys"
    file.write_text(f"radio {hash_of(in_file)}\n")

    keys = read_keys(file, f"{one}, {other}")

    assert all(keys.accepts(key) for key in (in_file, one, other))


@pytest.mark.parametrize("line", ["radio {key}", "{key}", "radio sha256:12", "radio {hash} more"])
def test_a_key_file_with_a_key_in_it_is_refused_and_neither_key_nor_hash_is_told(
    tmp_path: Path, line: str
) -> None:
    key = new_key()
    file = tmp_path / "keys"
    file.write_text(f"# ours\n{line.format(key=key, hash=hash_of(key))}\n")

    with pytest.raises(BadOption) as refused:
        read_keys(file, None)

    assert f"{file}:2" in str(refused.value)
    assert key not in str(refused.value)
    assert hash_of(key) not in str(refused.value)


def test_a_key_that_can_be_guessed_is_refused_and_not_repeated() -> None:
    with pytest.raises(BadOption, match="malgwi engine key") as refused:
        read_keys(None, "letmein")

    assert "letmein" not in str(refused.value)


def test_a_key_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="nowhere"):
        read_keys(tmp_path / "nowhere", None)


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True)])
def test_a_key_file_that_everybody_can_read_is_warned_about(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, warned: bool
) -> None:
    file = tmp_path / "keys"
    file.write_text(f"radio {hash_of(new_key())}\n")
    file.chmod(mode)

    with caplog.at_level(logging.WARNING):
        read_keys(file, None)

    assert ("everybody on this machine" in caplog.text) == warned
