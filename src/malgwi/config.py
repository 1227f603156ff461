"""Settings, read once at the edge from `MALGWI_...` variables and handed on as plain values.

The defaults need no other server, no GPU and no file. docs/reference/settings.md is the same
list for people; a test fails where a setting is missing there.
"""

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from malgwi.errors import BadOption

PREFIX = "MALGWI_"
_DELIMITER = "__"


class SttConfig(BaseModel):
    """The engine that recognises speech."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: str = "faster-whisper"
    """Name of the engine, as `malgwi engines` lists it. Default: faster-whisper."""

    model: str = "whisper-base"
    """Name of the model, as `malgwi models list` lists it. A larger one makes fewer mistakes and
    takes longer: whisper-small on a CPU, whisper-large-v3-turbo on a GPU."""

    options: dict[str, Any] = {}
    """Options of the engine, as JSON: {"device": "cuda"}. Default: none; the engine's own apply."""


class VadConfig(BaseModel):
    """The detector that tells speech from the rest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: str = "silero"
    """Name of the detector, as `malgwi engines` lists it. `energy` needs no model and is fooled by
    noise: for tests."""

    options: dict[str, Any] = {}
    """Options of the detector, as JSON. Default: none; the detector's own apply."""


class Config(BaseSettings):
    """Every setting there is, with its default."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=_DELIMITER,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        validate_default=True,
    )

    home: Path = Path("~/.malgwi")
    """Folder where the platform keeps what is its own. Change it where the home folder is small
    or not on this machine."""

    models: Path = Field(default_factory=lambda settled: settled["home"] / "models")
    """Folder of the models, gigabytes with large ones. Default: `models` in `home`. Change it to
    share models between users, or to put them on another disk."""

    offline: bool = False
    """With 1, nothing reaches out: whatever would is refused with a sentence that says what to do
    instead. Default: 0. Set it where the network is cut, to fail at once and not after a wait."""

    model_source: Path | None = None
    """Folder with a folder a model in it, asked before hub and package index. Default: none. Set it
    to a share of the company or a disk that was carried over."""

    accept_licence: bool = False
    """With 1, models whose licence forbids commercial use are fetched too. Default: 0."""

    stt: SttConfig = SttConfig()
    vad: VadConfig = VadConfig()

    @field_validator("home", "models", "model_source")
    @classmethod
    def _at_home(cls, path: Path | None) -> Path | None:
        try:
            return path.expanduser() if path else path
        except RuntimeError as error:  # as in a container whose user has no name
            raise ValueError("there is no such home folder; set MALGWI_HOME") from error


def read_config() -> Config:
    """The settings of this process. Raises BadOption, naming the variable."""
    try:
        return Config()
    except ValidationError as error:
        raise BadOption(" ".join(_sentences(error))) from error
    except SettingsError as error:
        raise BadOption(
            f"The variables {PREFIX}..{_DELIMITER}OPTIONS must hold JSON, as in "
            f'{{"device": "cuda"}}: {error.__cause__ or error}.'
        ) from error


def setting_names() -> list[str]:
    """Every variable that is read, as `MALGWI_STT__MODEL`."""
    return sorted(_names(Config, PREFIX))


def unknown_settings(environ: Mapping[str, str] = os.environ) -> list[str]:
    """A sentence for each variable that looks like a setting and is none."""
    known = setting_names()
    given = (name.upper() for name in environ if name.upper().startswith(PREFIX))
    return [_unknown(name, known) for name in sorted(given) if not _is_known(name, known)]


def _names(part: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in part.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _names(inner, f"{prefix}{name.upper()}{_DELIMITER}")
        else:
            yield f"{prefix}{name.upper()}"


def _is_known(name: str, known: list[str]) -> bool:
    options = (each for each in known if each.endswith("OPTIONS"))
    return name in known or name.startswith(tuple(f"{each}{_DELIMITER}" for each in options))


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    hint = f"Is {near[0]} meant?" if near else "docs/reference/settings.md lists what there is."
    return f"{name} is set, and no setting is called that. {hint}"


def _sentences(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False):
        variable = PREFIX + _DELIMITER.join(str(part).upper() for part in fault["loc"])
        yield f"{variable} is {str(fault['input'])!r}: {fault['msg'].lower()}."
