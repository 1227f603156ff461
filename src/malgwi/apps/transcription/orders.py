"""What a job of transcription is asked to do: the payload of kind `transcribe`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from malgwi.pipeline import Request
from malgwi.stt import Task

KIND = "transcribe"


@dataclass(frozen=True, slots=True)
class Order:
    """A recording that is kept, and how it is to be transcribed."""

    recording: str
    """Id."""
    languages: tuple[str | None, ...] = ()
    """ISO 639-1, one for all channels or one a channel; none, or None, to detect it."""
    among: tuple[str, ...] = ()
    model: str = ""
    """Empty for the default."""
    task: Task = "transcribe"
    prompt: str = ""
    hotwords: str = ""
    glossary: str | None = None
    """Name of one that is kept; its newest revision is used."""

    @property
    def payload(self) -> Mapping[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> "Order":
        """Of a payload that came back as JSON."""
        lists = {name: tuple(payload.get(name, ())) for name in ("languages", "among")}
        return cls(**{**payload, **lists})

    @property
    def request(self) -> Request:
        return Request(self.languages, self.prompt, self.hotwords, self.task, self.among)
