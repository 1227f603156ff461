"""Fetching, from a server on loopback: allowed here only because tests list its very address."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from malgwi.errors import BadOption, Cancelled, NetworkError, NetworkRefused, TooLarge
from malgwi.gateway import Upload, fetch
from malgwi.gateway.targets import is_public

SOUND = bytes(range(256)) * 5000


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Host"]))  # type: ignore[attr-defined]
        getattr(self, f"_{self.path.split('/')[1].partition('?')[0]}", self._missing)()

    def _sound(self) -> None:
        self._send(SOUND, {"Content-Length": str(len(SOUND)), "Content-Type": "audio/wav"})

    def _endless(self) -> None:
        self._send(SOUND)

    def _broken(self) -> None:
        self._send(SOUND[:1000], {"Content-Length": str(len(SOUND))})

    def _away(self) -> None:
        self._send(b"", {"Location": "/sound", "Content-Length": "0"}, 302)

    def _missing(self) -> None:
        self.send_error(404)

    def _send(self, body: bytes, headers: dict[str, str] | None = None, status: int = 200) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):  # the other side has had enough
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = []  # type: ignore[attr-defined]
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def address(server: ThreadingHTTPServer) -> str:
    return f"127.0.0.1:{server.server_port}"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of 127.0.0.1, signed by nobody but itself, with its key."""
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("There is no openssl to make a certificate with.")
    key, pem = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command = [openssl, "req", "-x509", *kind, *subject, "-keyout", str(key), "-out", str(pem)]
    subprocess.run(command, check=True, capture_output=True)
    pem.write_bytes(pem.read_bytes() + key.read_bytes())
    return pem


@pytest.fixture
def secure(server: ThreadingHTTPServer, certificate: Path) -> str:
    """The server's address, and from now on it speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return f"127.0.0.1:{server.server_port}"


def get(url: str, into: Path, *hosts: str, limit: int = 10**9, stop: Event | None = None) -> Upload:
    return fetch(url, into / "file", hosts=hosts, limit=limit, offline=False, stop=stop)


def test_what_is_at_the_url_is_in_the_file(tmp_path: Path, address: str) -> None:
    upload = get(f"http://{address}/sound/%EB%A7%90%EA%B7%80.wav?a=b", tmp_path, address)

    assert upload == Upload(tmp_path / "file", "말귀.wav", len(SOUND), "audio/wav")
    assert upload.path.read_bytes() == SOUND
    assert upload.path.stat().st_mode & 0o077 == 0


def test_path_and_query_arrive_quoted(
    tmp_path: Path, address: str, server: ThreadingHTTPServer
) -> None:
    get(f"http://{address}/sound/말 귀?a=b%20c#there", tmp_path, address)

    asked = [("/sound/%EB%A7%90%20%EA%B7%80?a=b%20c", address)]
    assert server.asked == asked  # type: ignore[attr-defined]


def test_without_a_list_of_hosts_nothing_is_fetched_and_the_setting_is_named(
    tmp_path: Path, address: str
) -> None:
    with pytest.raises(BadOption, match="MALGWI_ENGINE__URL_HOSTS"):
        get(f"http://{address}/sound", tmp_path)


def test_offline_nothing_is_fetched(tmp_path: Path, address: str) -> None:
    with pytest.raises(NetworkRefused):
        fetch(f"http://{address}/sound", tmp_path / "f", hosts=[address], limit=10**9, offline=True)


def test_a_host_whose_certificate_is_good_is_fetched_from(
    tmp_path: Path, secure: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    assert get(f"https://{secure}/sound", tmp_path, secure).size == len(SOUND)


def test_a_host_whose_certificate_nobody_vouches_for_is_not(
    tmp_path: Path, secure: str, server: ThreadingHTTPServer
) -> None:
    with pytest.raises(NetworkError):
        get(f"https://{secure}/sound", tmp_path, secure)

    assert server.asked == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("hosts", [["example.org"], ["127.0.0.1"], ["127.0.0.2:{port}"], ["0.0.1"]])
def test_only_what_is_listed_is_fetched_from(
    tmp_path: Path, server: ThreadingHTTPServer, hosts: list[str]
) -> None:
    listed = [each.format(port=server.server_port) for each in hosts]

    with pytest.raises(BadOption, match="not one of those"):
        get(f"http://127.0.0.1:{server.server_port}/sound", tmp_path, *listed)

    assert server.asked == []  # type: ignore[attr-defined]


def test_a_name_that_leads_to_a_private_address_is_refused_even_if_it_is_listed(
    tmp_path: Path, server: ThreadingHTTPServer
) -> None:
    host = f"localhost:{server.server_port}"

    with pytest.raises(BadOption, match="not public"):
        get(f"http://{host}/sound", tmp_path, host)

    assert server.asked == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("host", ["127.1", "0x7f000001", "2130706433", "0177.0.0.1"])
def test_an_address_in_disguise_is_refused_even_if_it_is_listed(
    tmp_path: Path, server: ThreadingHTTPServer, host: str
) -> None:
    listed = f"{host}:{server.server_port}"

    with pytest.raises((BadOption, NetworkError)):
        get(f"http://{listed}/sound", tmp_path, listed)

    assert server.asked == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sound.wav",
        "//127.0.0.1/sound",
        "file:///etc/passwd",
        "ftp://127.0.0.1/sound",
        "http://user:word@127.0.0.1/sound",
        "http://127.0.0.1@example.org/sound",
        "http://127.0.0.1:port/sound",
        "http://[::1/sound",
        "http://127.0.0.1/\ud800",
        "http://127.0.0.1/sound?\ud800",
        "http://a..b/sound",
        "http://" + "x" * 70 + ".org/",
    ],
)
def test_what_is_no_plain_web_address_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadOption):
        get(url, tmp_path, "127.0.0.1", "example.org")


def test_a_redirect_is_not_followed(
    tmp_path: Path, address: str, server: ThreadingHTTPServer
) -> None:
    with pytest.raises(BadOption, match="redirects"):
        get(f"http://{address}/away", tmp_path, address)

    assert len(server.asked) == 1  # type: ignore[attr-defined]


def test_what_is_not_there_is_said(tmp_path: Path, address: str) -> None:
    with pytest.raises(BadOption, match="404"):
        get(f"http://{address}/nothing", tmp_path, address)


def test_more_than_the_limit_is_refused_while_it_comes(tmp_path: Path, address: str) -> None:
    with pytest.raises(TooLarge, match="100,000"):
        get(f"http://{address}/endless", tmp_path, address, limit=100_000)


def test_what_is_declared_too_large_is_not_even_begun(tmp_path: Path, address: str) -> None:
    with pytest.raises(TooLarge, match="100,000"):
        get(f"http://{address}/sound", tmp_path, address, limit=100_000)

    assert not (tmp_path / "file").exists()


def test_a_download_that_breaks_off_is_no_recording(tmp_path: Path, address: str) -> None:
    with pytest.raises(NetworkError, match="broke off"):
        get(f"http://{address}/broken", tmp_path, address)


def test_a_host_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=r"127\.0\.0\.1"):
        get("http://127.0.0.1:1/sound", tmp_path, "127.0.0.1:1")


def test_a_download_stops_when_nobody_wants_it(tmp_path: Path, address: str) -> None:
    stop = Event()
    stop.set()

    with pytest.raises(Cancelled):
        get(f"http://{address}/sound", tmp_path, address, stop=stop)


PRIVATE = [
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1",
    "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
    "2002:7f00:1::", "2002:c0a8:1::",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_machines_of_ours_and_their_disguises_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f::1", "64:ff9b::5db8:d70e"])
def test_the_internet_is_public(address: str) -> None:
    assert is_public(address)
