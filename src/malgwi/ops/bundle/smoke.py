"""Whether what was installed hears: the canary, a clip whose words are known, is transcribed."""

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping
from difflib import SequenceMatcher
from pathlib import Path

from malgwi.errors import EngineFailed
from malgwi.ops.bundle.manifest import Manifest

_KIND, _ENGINE = "whisper-ct2", "faster-whisper"
_ALIKE = 0.66
_PATIENCE = 600.0  # seconds
_CLIP = """
import json
from importlib.resources import files
from malgwi.stt import CANARY_TEXT
print(json.dumps([str(files("malgwi.stt") / "canary.wav"), CANARY_TEXT]))
"""


def smoke(release: Path, manifest: Manifest, environ: Mapping[str, str]) -> str:
    """What came of it, as a sentence. Raises EngineFailed."""
    model = next((each.name for each in manifest.models if each.kind == _KIND), None)
    has_engine = any(_plain(each.name) == _ENGINE for each in manifest.wheels)
    program = str(release / "bin" / "malgwi")
    if model is None or not has_engine:
        _ran([program, "--version"], environ)
        lacks = f"package {_ENGINE}" if model else "model of Whisper"
        return f"It starts. There is no {lacks} in the bundle, so nothing was transcribed by it."
    python = str(release / "venv" / "bin" / "python")
    clip, words = json.loads(_ran([python, "-c", _CLIP], environ))
    with tempfile.TemporaryDirectory(prefix="malgwi-") as folder:
        command = [program, "transcribe", clip, "--language", "en", "--model", model, "--quiet"]
        _ran([*command, "--format", "json", "--out", folder, "--name", "canary"], environ)
        read = json.loads((Path(folder) / "canary.json").read_text("utf-8"))
    heard = " ".join(each["text"] for each in read["utterances"])
    if not alike(heard, words):
        raise EngineFailed(f"{model} was installed, and did not hear the words of the canary.")
    return f"{model} heard the canary rightly."


def alike(heard: str, words: str) -> bool:
    """Whether it is what was said, but for a word."""
    return SequenceMatcher(None, _words(heard), _words(words)).ratio() >= _ALIKE


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _ran(command: list[str], environ: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=dict(environ),
            timeout=_PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineFailed(f"What was installed does not run: {type(error).__name__}.") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        said = lines[-1] if lines else f"exit code {done.returncode}"
        raise EngineFailed(f"What was installed does not work: {said.rstrip('.')}.")
    return done.stdout
