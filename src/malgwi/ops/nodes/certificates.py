"""An authority of our own, and the certificates by which nodes know each other.

Made with `openssl`, which practically every machine has: nothing more is installed for it.
"""

import ipaddress
import shutil
import ssl
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from malgwi.errors import BadOption

AUTHORITY_DAYS = 3650
NODE_DAYS = 820
"""As long as browsers take one."""
RENEWED_DAYS = 180
"""A certificate that is good for fewer is made anew."""
_DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key, both as PEM."""

    certificate: bytes
    key: bytes


def new_authority(name: str) -> Pair:
    """One that nobody trusts but who is given its certificate. Raises BadOption without openssl."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        extensions = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign"
        _request(place, f"{name} authority", extensions)
        _openssl(
            *("req", "-x509", "-sha256", "-days", str(AUTHORITY_DAYS), "-config", place / "config"),
            *("-extensions", "extensions", "-key", place / "key", "-out", place / "certificate"),
        )
        return _pair(place)


def issued(authority: Pair, name: str, known_as: Iterable[str]) -> Pair:
    """For a server that others know by these addresses and host names."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        extensions = (
            "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
            f"extendedKeyUsage=serverAuth\nsubjectAltName={','.join(_alternatives(known_as))}"
        )
        _request(place, name, extensions)
        (place / "authority").write_bytes(authority.certificate)
        (place / "authority_key").write_bytes(authority.key)
        _openssl(
            *("req", "-new", "-config", place / "config", "-key", place / "key"),
            *("-out", place / "request"),
        )
        _openssl(
            *("x509", "-req", "-sha256", "-days", str(NODE_DAYS), "-in", place / "request"),
            *("-CA", place / "authority", "-CAkey", place / "authority_key", "-CAcreateserial"),
            *("-extfile", place / "config", "-extensions", "extensions"),
            *("-out", place / "certificate"),
        )
        return _pair(place)


def is_good(pair: Pair, authority: Pair, known_as: Iterable[str]) -> bool:
    """Whether it is whole, of this authority, for these names only, and for long enough."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "certificate").write_bytes(pair.certificate)
        (place / "key").write_bytes(pair.key)
        (place / "authority").write_bytes(authority.certificate)
        shown = ("x509", "-in", place / "certificate", "-noout")
        left = str(RENEWED_DAYS * _DAY)
        if not (
            _belong_together(place / "certificate", place / "key")
            and _agrees("verify", "-CAfile", place / "authority", place / "certificate")
            and _agrees(*shown, "-checkend", left)
        ):
            return False
        said = _openssl(*shown, "-text").replace("IP Address:", "IP:")
    lines = (line.strip() for line in said.splitlines())
    found = next((line for line in lines if line.startswith(("DNS:", "IP:"))), "")
    return set(found.split(", ")) == set(_alternatives(known_as))


def _belong_together(certificate: Path, key: Path) -> bool:
    """Not where a kill came when one of the two was new."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except ssl.SSLError:
        return False
    return True


def _alternatives(known_as: Iterable[str]) -> list[str]:
    return sorted({f"{'IP' if _is_address(each) else 'DNS'}:{each}" for each in known_as})


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _request(place: Path, name: str, extensions: str) -> None:
    (place / "config").write_text(
        f"[req]\ndistinguished_name=name\nprompt=no\n[name]\nCN={name}\n[extensions]\n{extensions}\n"
    )
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", place / "key")


def _pair(place: Path) -> Pair:
    return Pair((place / "certificate").read_bytes(), (place / "key").read_bytes())


def _agrees(*arguments: str | Path) -> bool:
    return _run(*arguments).returncode == 0


def _openssl(*arguments: str | Path) -> str:
    done = _run(*arguments)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it gave no reason"])[0]
        raise BadOption(f"openssl {arguments[0]} failed: {said}. Is it 1.1.1 or newer?")
    return done.stdout


def _run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    program = shutil.which("openssl")
    if program is None:
        raise BadOption(
            "Certificates are made with openssl, which is not here. Install the package openssl."
        )
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
