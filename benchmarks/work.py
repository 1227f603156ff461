"""What the contenders get to do: recordings whose words are known, made once and kept."""

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from malgwi.apps.evaluation import this_machine

FOLDER = Path(__file__).parent / "work"
RESULTS = FOLDER / "results"
SHARED = Path(__file__).resolve().parents[2] / "shared"
MANIFEST = SHARED / "data" / "manifest.json"
MAKER = SHARED / "tools" / "make_multichannel.py"

RADIO = ("--bandpass", "--noise", "pink", "--snr", "15", "--ptt", "--activity", "0.35")
"""How noisy radio channels sound, for the maker of scenarios."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A file, and what is said on each of its channels."""

    path: str
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """Recordings of one language."""

    name: str
    language: str
    seconds: float
    """Of sound, all channels added up."""
    recordings: tuple[Recording, ...]


def radio(language: str, duration: str, channels: int) -> Work:
    """Channels of push-to-talk radio in noise, independent of each other."""
    require_shared()
    read = language != "en"  # of other languages there are but a few long passages
    longer = ("--max-utt", "60", "--speakers-per-channel", "1") if read else ()
    path = scenario(
        f"radio-{language}-{channels}x{duration}", "--language", language, "--duration", duration,
        "--channels", str(channels), *longer, *RADIO,
        manifest=_passages_as_utterances(language) if read else MANIFEST,
    )  # fmt: skip
    reference = json.loads(path.with_suffix(".ref.json").read_text("utf-8"))
    said = tuple(_said(reference["segments"], channel) for channel in range(1, channels + 1))
    seconds = _seconds(path) * channels
    return Work(path.stem, language, seconds, (Recording(str(path), said),))


def passages(language: str) -> Work:
    """Read passages of the manifest, each a recording of one channel."""
    items = _read_aloud(language)
    recordings = (Recording(str(MANIFEST.parent / each["file"]), (each["text"],)) for each in items)
    seconds = sum(each["duration_s"] for each in items)
    return Work(f"read-{language}", language, seconds, tuple(recordings))


def scenario(name: str, *options: str, manifest: Path = MANIFEST) -> Path:
    """A sound file made with these options, or the one that was made with them before."""
    require_shared()
    asked = " ".join(options).encode() + manifest.read_bytes()
    key = hashlib.sha256(asked).hexdigest()[:6]
    made = FOLDER / f"{name}-{key}.wav"
    if not made.exists():
        FOLDER.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            out = Path(folder) / made.stem
            command = [sys.executable, str(MAKER), "--manifest", str(manifest), "--out", str(out)]
            subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL)
            for each in sorted(Path(folder).iterdir(), key=lambda each: each.suffix == ".wav"):
                each.rename(FOLDER / each.name)  # the sound last: it says that all is there
    return made


def require_shared() -> None:
    """Ends the process with a sentence where there is nothing to measure with."""
    if not MAKER.exists():
        sys.exit(f"Skipped: the measuring material is not in {SHARED}. See benchmarks/README.md.")


def save(name: str, result: dict[str, Any]) -> Path:
    """Keep a result, with what it was measured on."""
    measured = {"date": datetime.now(UTC).isoformat(timespec="seconds")}
    result = {**result, **measured, "machine": asdict(this_machine())}
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, ensure_ascii=False, indent=2) + "\n", "utf-8")
    return path


def _read_aloud(language: str) -> list[dict[str, Any]]:
    require_shared()
    return [
        item
        for item in json.loads(MANIFEST.read_text("utf-8"))["items"]
        if item["language"] == language
        and item.get("text")
        and item["channels"] == 1
        and item["reference_quality"].startswith("exact")
    ]


def _passages_as_utterances(language: str) -> Path:
    """A manifest for the maker, which takes utterances only; each passage is its own speaker."""
    items = [
        {**item, "kind": "utterance", "speaker": item["id"],
         "file": str(MANIFEST.parent / item["file"])}
        for item in _read_aloud(language)
        if item["kind"] == "passage"
    ]  # fmt: skip
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"passages-{language}.json"
    path.write_text(json.dumps({"version": 1, "items": items}), "utf-8")
    return path


def _said(segments: Iterable[dict[str, Any]], channel: int) -> str:
    mine = [each for each in segments if each["channel"] == channel]
    return " ".join(each["text"] for each in sorted(mine, key=lambda each: each["start"]))


def _seconds(path: Path) -> float:
    import soundfile

    return float(soundfile.info(str(path)).duration)
