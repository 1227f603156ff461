"""The parser alone: whatever the chunks, the same parts."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from malgwi.errors import BadOption
from malgwi.gateway.multipart import End, Head, Parts

BODY = (
    b'--B\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
    b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n'
    b"Content-Type: audio/wav\r\n\r\n\r\n--\r\n-\r\n--C\r\n"
    b"--B--\r\n"
)


def parsed(chunks: list[bytes]) -> list[tuple[Head, bytes]]:
    parser = Parts(b"B")
    found: list[tuple[Head, bytes]] = []
    for chunk in chunks:
        for event in parser.feed(chunk):
            if isinstance(event, Head):
                found.append((event, b""))
            elif isinstance(event, bytes):
                found[-1] = (found[-1][0], found[-1][1] + event)
            else:
                assert isinstance(event, End)
    parser.finish()
    return found


WHOLE = parsed([BODY])


def test_a_form_has_its_parts() -> None:
    model, file = WHOLE

    assert model == (Head("model", None, ""), b"whisper-1")
    assert file == (Head("file", "a.wav", "audio/wav"), b"\r\n--\r\n-\r\n--C")


@given(st.sets(st.integers(1, len(BODY) - 1)))
def test_however_a_form_is_cut_into_chunks_it_is_the_same(cuts: set[int]) -> None:
    places = [0, *sorted(cuts), len(BODY)]

    chunks = [BODY[a:b] for a, b in pairwise(places)]

    assert parsed(chunks) == WHOLE


@given(st.binary(max_size=400), st.integers(0, len(BODY)))
def test_whatever_comes_is_a_form_or_refused(noise: bytes, place: int) -> None:
    try:
        parsed([BODY[:place] + noise + BODY[place:]])
    except BadOption as refused:
        assert str(refused)


@pytest.mark.parametrize("place", [5, 60, len(BODY) - 20, len(BODY) - 5])
def test_a_form_that_breaks_off_is_refused(place: int) -> None:
    with pytest.raises(BadOption):
        parsed([BODY[:place]])
