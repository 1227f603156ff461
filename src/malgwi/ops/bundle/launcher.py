"""What lets a bundle be used where nothing but Python is: two files of it that are not blobs."""

from malgwi.ops.bundle.manifest import LAUNCHER, Manifest
from malgwi.ops.digest import SUMS

NEEDED = (
    "annotated-types",
    "click",
    "malgwi",
    "markdown-it-py",
    "mdurl",
    "pydantic",
    "pydantic-core",
    "pygments",
    "rich",
    "typing-extensions",
    "typing-inspection",
)
"""Packages without which `malgwi bundle` does not start."""


def launcher() -> str:
    return _LAUNCHER.replace("NEEDED", repr(NEEDED))


def readme(manifest: Manifest) -> str:
    install = f"{LAUNCHER} install . --into /opt/malgwi{' --up' if manifest.stack else ''}"
    delta = f"It is a delta: it needs what was installed from {manifest.base}.\n"
    return (
        f"Malgwi {manifest.version} for {manifest.platform}, Python {manifest.python}, "
        f"glibc {manifest.glibc} or newer.\n{delta if manifest.base else ''}\n"
        "Before anything of it is run (SIGNERS has the line that whoever made it gave you):\n\n"
        f"    ssh-keygen -Y verify -f SIGNERS -I malgwi -n malgwi-bundle -s {SUMS}.sig < {SUMS}\n"
        f"    sha256sum --quiet -c {SUMS}\n\n"
        "Then, with Python and nothing else:\n\n"
        f"    python{manifest.python} {install} --signers SIGNERS\n"
    )


_LAUNCHER = '''#!/usr/bin/env python3
"""Runs `malgwi bundle` out of this folder, with nothing but Python. It compares the sums of what
it unpacks, but not who signed them: that is for `malgwi bundle` and, before it, for you."""

import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

needed = NEEDED
here = Path(__file__).resolve().parent
manifest = json.loads((here / "bundle.json").read_text("utf-8"))
running = f"{sys.version_info[0]}.{sys.version_info[1]}"
if running != manifest["python"]:
    sys.exit(f"malgwi: This is Python {running}; run it with Python {manifest['python']}.")
wheels = [
    each for each in manifest["wheels"] if each["name"].lower().replace("_", "-") in needed
]
absent = [each["name"] for each in wheels if each["digest"] in manifest["absent"]]
if absent:
    sys.exit("malgwi: This is a delta. Run the program that is installed: malgwi bundle install")
with tempfile.TemporaryDirectory(prefix="malgwi-") as folder:
    for each in wheels:
        content = (here / "blobs" / "sha256" / each["digest"]).read_bytes()
        if hashlib.sha256(content).hexdigest() != each["digest"]:
            sys.exit(f"malgwi: {each['file']} is not what it was. Carry the bundle over again.")
        zipfile.ZipFile(io.BytesIO(content)).extractall(folder)
    start = "import sys; from malgwi.cli import main; main(prog_name='malgwi')"
    command = [sys.executable, "-c", start, "bundle", *sys.argv[1:]]
    environ = {**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, env=environ)
sys.exit(done.returncode)
'''
