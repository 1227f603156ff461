"""An engine for evaluation tests that hears what it is told, and manifests to hold it to."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malgwi.errors import BadAudio
from malgwi.types import Channel, Engine, Span, Timings, Transcript, Utterance

ENGINE = Engine("scripted", "by-hand", "cpu")


def said(text: str, channel: int = 0, start: float = 0.0, **marks: Any) -> Utterance:
    """An utterance; where it is marked is told by name."""
    span = Span(start, start + 1)
    return Utterance(f"{channel:02d}-{start}", channel, span, text, text, (), "en", **marks)


def transcript(
    *utterances: Utterance,
    channels: int = 1,
    languages: Sequence[str | None] = (),
    audio: float = 10.0,
    wall: float = 1.0,
    complete: bool = True,
) -> Transcript:
    known = [*languages, *[None] * channels]
    return Transcript(
        sources=("a.flac",),
        duration=audio / channels,
        channels=tuple(Channel(index, f"ch{index}", known[index]) for index in range(channels)),
        utterances=tuple(sorted(utterances, key=lambda each: each.span)),
        engine=ENGINE,
        timings=Timings(wall, 0.1, 0.1, 0.8, audio, audio / 2),
        complete=complete,
    )


@dataclass
class Listener:
    """A Transcribe: the transcript of each file by its name; no transcript, no audio."""

    heard: Mapping[str, Transcript | str]
    asked: list[tuple[tuple[str, ...], str | None]] = field(default_factory=list)

    def __call__(self, files: Sequence[Path], language: str | None) -> Transcript:
        self.asked.append((tuple(file.name for file in files), language))
        found = self.heard.get(files[0].name)
        if found is None:
            raise BadAudio(f"{files[0].name} is not audio.")
        return transcript(said(found)) if isinstance(found, str) else found


def write_manifest(folder: Path, *items: Mapping[str, Any], **files: str) -> Path:
    """A manifest in `folder`, with its sound files (empty) and `files` beside it."""
    for item in items:
        for name in item.get("files", [item["file"]] if "file" in item else []):
            (folder / name).touch()
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text, "utf-8")
    path = folder / "manifest.json"
    path.write_text(json.dumps({"version": 1, "items": items}), "utf-8")
    return path


def utterance(
    id: str, text: str | None, language: str | None = "en", **more: Any
) -> dict[str, Any]:
    """An item of a manifest."""
    return {
        "id": id, "kind": "utterance", "file": f"{id}.flac", "language": language, "text": text,
        "reference_quality": "exact", **more,
    }  # fmt: skip
