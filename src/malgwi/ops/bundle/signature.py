"""Who says that a bundle is theirs: Ed25519, by ssh-keygen, which nearly every machine has.

A signature is over the list of sums. Whom to believe stands in a file in the layout of
`allowed_signers` (ssh-keygen(1)), in which a key can also end: valid-before="20271231".
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from malgwi.errors import BadInput, BadOption, OutputError

NAMESPACE = "malgwi-bundle"
_SIGNER = "malgwi"


def sign(sums: Path, key: Path) -> None:
    """Writes `SHA256SUMS.sig` beside it. Raises BadOption for what is no Ed25519 key."""
    _check_kind(key)
    done = _ssh_keygen("-Y", "sign", "-q", "-f", str(key), "-n", NAMESPACE, str(sums))
    if done.returncode:
        raise OutputError(f"The bundle cannot be signed with {key}: {_said(done)}.")


def signers_line(key: Path) -> str:
    """The line for the file of those whom to believe."""
    kind, encoded = _public(key)
    return f'{_SIGNER} namespaces="{NAMESPACE}" {kind} {encoded}'


def signer(sums: bytes, signature: bytes, signers: Path) -> str:
    """Whose signature it is. Raises BadInput where it is nobody's whom `signers` names."""
    if not signers.is_file():
        raise BadOption(
            f"There is no file {signers}. It has a line for each key to believe; whoever made the "
            "bundle has the line: it came with `malgwi bundle create`."
        )
    with tempfile.TemporaryDirectory(prefix="malgwi-") as folder:
        file = Path(folder) / "sig"
        file.write_bytes(signature)
        where = ("-f", str(signers), "-s", str(file))
        found = _ssh_keygen("-Y", "find-principals", *where)
        if found.returncode:
            raise BadInput(_unknown(_said(found), signers))
        name = found.stdout.decode(errors="replace").split("\n")[0].strip()
        done = _ssh_keygen("-Y", "verify", *where, "-I", name, "-n", NAMESPACE, given=sums)
        if done.returncode:
            raise BadInput(
                f"The signature of the bundle is not of these sums: {_said(done)}. The list was "
                "changed after it was signed. Do not install it; carry it over again."
            )
    return name


def _unknown(said: str, signers: Path) -> str:
    if "expired" in said or "not yet valid" in said:
        return (
            f"The key that signed the bundle is not valid at this time: {said}. Check the clock of "
            "this machine; else have the bundle signed with a key that is."
        )
    if "No principal" in said:
        return (
            f"The bundle is signed with a key that {signers} does not name. Ask whoever made it "
            "for the line of the key, and compare it by telephone before you add it."
        )
    return f"The signature of the bundle cannot be read: {said}. Carry it over again."


def _check_kind(key: Path) -> None:
    kind, _ = _public(key)
    if kind != "ssh-ed25519":
        raise BadOption(
            f"{key} is a key of the kind {kind}. Make one of Ed25519: ssh-keygen -t ed25519 -f FILE"
        )


def _public(key: Path) -> tuple[str, str]:
    if not key.is_file():
        raise BadOption(f"There is no key {key}. Make one: ssh-keygen -t ed25519 -f {key}")
    beside = key.with_name(f"{key.name}.pub")
    if beside.is_file():
        words = beside.read_text("utf-8", errors="replace").split()
    else:
        words = _ssh_keygen("-y", "-P", "", "-f", str(key)).stdout.decode(errors="replace").split()
    if len(words) < 2:
        raise BadOption(f"{key} is no private key of ssh-keygen, or lacks its {beside.name}.")
    return words[0], words[1]


def _ssh_keygen(*arguments: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("ssh-keygen")
    if program is None:
        raise BadOption(
            "There is no ssh-keygen here, and without it no signature can be made or compared "
            "(on Debian: apt install openssh-client; its package can be carried over, too)."
        )
    return subprocess.run([program, *arguments], input=given, capture_output=True, check=False)


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    """The first line of its complaints, which can be printed."""
    lines = done.stderr.decode(errors="replace").splitlines()
    first = next((line for line in lines if line.strip()), "it gave no reason")
    return "".join(filter(str.isprintable, first)).strip().rstrip(".")[:200]
