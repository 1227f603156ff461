"""What is set, as far as a backup may hold it: secrets stay where they are."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from malgwi.config import PREFIX, Config

_SECRET = re.compile(r"key|secret|token|password|credential", re.IGNORECASE)
_WITH_PASSWORD = re.compile(r"://[^/@\s]*:[^/@\s]*@")


@dataclass(frozen=True, slots=True)
class Settings:
    """What is set, as an operator would set it, and what of it is not written down."""

    given: Mapping[str, str]
    left_out: Sequence[str] = ()
    """The names of those that hold secrets."""


def settings_of(config: Config) -> Settings:
    """Only what was set: what was not is as the program has it."""
    given: dict[str, str] = {}
    left_out: list[str] = []
    for name, value in _set(config, PREFIX):
        if _is_secret(value):
            left_out.append(name)
        else:
            given[name] = _text(value)
    return Settings(given, left_out)


def _set(part: BaseModel, prefix: str) -> Iterator[tuple[str, Any]]:
    for name in sorted(part.model_fields_set):
        value = getattr(part, name)
        if isinstance(value, BaseModel):
            yield from _set(value, f"{prefix}{name.upper()}__")
        elif value is not None:
            yield f"{prefix}{name.upper()}", value


def _is_secret(value: Any) -> bool:
    if isinstance(value, SecretStr):
        return True
    if isinstance(value, dict):
        return any(_SECRET.search(str(key)) or _is_secret(each) for key, each in value.items())
    return isinstance(value, str) and (
        bool(_WITH_PASSWORD.search(value)) or not value.isprintable()
    )


def _text(value: Any) -> str:
    if isinstance(value, str | Path):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)
