import pytest

from malgwi.errors import BadOption
from malgwi.gateway import Keys, check_exposure, new_key

LOOPBACK = ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost", "LOCALHOST", "localhost."]
BEYOND = [
    "0.0.0.0",
    "::",
    "",
    "192.168.1.5",
    "10.0.0.1",
    "::ffff:10.0.0.1",
    "myhost",
    "127.0.0.1.example",
]


@pytest.mark.parametrize("host", LOOPBACK)
def test_on_loopback_no_key_is_needed(host: str) -> None:
    check_exposure(host, Keys())


@pytest.mark.parametrize("host", BEYOND)
def test_beyond_loopback_a_key_is_needed_and_how_to_make_one_is_said(host: str) -> None:
    with pytest.raises(BadOption, match="malgwi engine key"):
        check_exposure(host, Keys())


@pytest.mark.parametrize("host", BEYOND)
def test_with_a_key_any_address_will_do(host: str) -> None:
    check_exposure(host, Keys.of([new_key()]))
