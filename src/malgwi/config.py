"""Settings, read once at the edge from `MALGWI_...` variables and handed on as plain values.

The defaults need no other server, no GPU and no file. docs/reference/settings.md is the same
list for people; a test fails where a setting is missing there.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import (
    BaseModel,
    ByteSize,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from malgwi.errors import BadOption

PREFIX = "MALGWI_"
_DELIMITER = "__"
SHORT = {"STT_DEVICE": ("stt", "device"), "STT_ENDPOINT": ("stt", "endpoint")}
"""Names that other systems have for these settings; ours go first where both are set."""
_IN_A_FILE = "_file"
"""After the name of a secret: the file that has it, as in MALGWI_JOBS__BROKER_FILE."""


def _secrets(part: type[BaseModel]) -> Iterable[str]:
    fields = part.model_fields.items()
    return [name for name, field in fields if SecretStr in get_args(field.annotation)]


def _read_secret(file: Path, variable: str) -> str:
    try:
        secret = file.expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeError, RuntimeError) as error:
        raise BadOption(
            f"{variable} names {file}, which cannot be read. Check the path and its rights."
        ) from error
    if not secret:
        raise BadOption(f"{variable} names {file}, which is empty. Put the secret into it.")
    return secret


class _Part(BaseModel):
    """A group of settings, of which those that are secrets may lie in files."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _secrets_from_files(cls, given: Any) -> Any:
        """Raises BadOption, which has nothing in it of what is set."""
        if not isinstance(given, Mapping):
            return given
        given = dict(given)
        for name in _secrets(cls):
            if file := given.pop(f"{name}{_IN_A_FILE}", None):
                variable = (
                    f"{PREFIX}{cls.__name__.removesuffix('Config')}{_DELIMITER}{name}".upper()
                )
                if given.get(name):
                    raise BadOption(f"{variable} and {variable}_FILE are both set. Take one away.")
                given[name] = _read_secret(Path(file), f"{variable}_FILE")
        return given


class SttConfig(_Part):
    """The engine that recognises speech."""

    engine: str = "faster-whisper"
    """Name of the engine, as `malgwi engines` lists it. Default: faster-whisper."""

    model: str = "whisper-base"
    """Name of the model, as `malgwi models list` lists it. A larger one makes fewer mistakes and
    takes longer: whisper-small on a CPU, whisper-large-v3-turbo on a GPU."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """What it computes on. `auto` takes a GPU that passes its self-test, else the CPU, and says
    why; `cuda` takes a GPU or refuses, with the diagnosis. Also read from STT_DEVICE."""

    endpoint: str | None = None
    """Address of a server that recognises instead of this machine: our own engine, whisper.cpp's
    server, or any that speaks OpenAI's API. Default: none. Also read from STT_ENDPOINT."""

    options: dict[str, Any] = {}
    """Options of the engine, as JSON: {"threads": 4}. Default: none; the engine's own apply."""


class VadConfig(_Part):
    """The detector that tells speech from the rest."""

    engine: str = "silero"
    """Name of the detector, as `malgwi engines` lists it. `energy` needs no model and is fooled by
    noise: for tests."""

    options: dict[str, Any] = {}
    """Options of the detector, as JSON. Default: none; the detector's own apply."""


class EngineConfig(_Part):
    """The service that `malgwi engine` runs."""

    host: str = "127.0.0.1"
    """Address to listen on. 0.0.0.0 for all; then a key is needed."""

    port: int = Field(default=8003, ge=0, le=65535)
    """Port of the HTTP API."""

    keys: SecretStr | None = None
    """API keys, divided by commas, for a first try; a file is better."""

    key_file: Path | None = None
    """File with the hashes of API keys, as `malgwi engine key` prints them. Default: none; then
    only this machine may ask."""

    wyoming: bool = True
    """Whether the Wyoming protocol, which Home Assistant speaks, is served too."""

    wyoming_port: int = Field(default=10300, ge=0, le=65535)
    """Its port."""

    wyoming_host: str = "127.0.0.1"
    """Address that it listens on. Wyoming has no keys: beyond this machine it needs
    WYOMING_CLIENTS."""

    wyoming_clients: tuple[str, ...] = ()
    """Addresses or networks that may connect over Wyoming, as JSON: ["192.168.1.20"]."""

    aliases: dict[str, str] = {}
    """Further names for models, as JSON: {"fast": "whisper-base"}. OpenAI's names mean the default
    model anyway."""

    preload: tuple[str, ...] | None = None
    """Models to load at the start, as JSON. Default: the default model."""

    idle_unload: float | None = Field(default=None, gt=0)
    """Seconds without work after which a model is unloaded, and its memory returned. Default:
    never."""

    memory: ByteSize | None = None
    """Memory for all models together, as 6GiB; what was idle longest is unloaded for it. Default:
    no bound."""

    requests: int = Field(default=128, ge=1)
    """Requests that are worked on at a time; more hear 429."""

    upload_bytes: ByteSize = ByteSize(2 * 2**30)
    """Largest upload, as 500MiB."""

    seconds: float = Field(default=4 * 3600.0, gt=0)
    """Longest recording."""

    channels: int = Field(default=64, ge=1, le=64)
    """Most channels of a recording."""

    decoders: int = Field(default=8, ge=1)
    """Processes that decode uploads at a time; a long recording keeps one for as long as it is
    recognised."""

    spool: Path | None = None
    """Folder for uploads while they are worked on. Default: `spool` in `home`."""

    url_hosts: tuple[str, ...] = ()
    """Hosts from which recordings may be fetched, as JSON: ["media.example.com"]. Default: none."""

    patience: float = Field(default=60.0, gt=0)
    """Seconds beyond the expected after which an engine that does not answer is taken for wedged,
    and its process ended."""

    canary: float = Field(default=15.0, gt=0)
    """Seconds that an engine has for the canary of /health/ready."""


class StoreConfig(_Part):
    """Where recordings and transcripts are kept."""

    url: SecretStr | None = None
    """Address of the database: postgresql://user@host/name, or sqlite:////path/file. Default: the
    file malgwi.db in DATA."""

    password_file: Path | None = None
    """File with the password for the database, where it is not in the address."""

    data: Path | None = None
    """Folder of the recordings. Default: `data` in `home`."""

    media_url: str | None = None
    """Address of the API of the node that keeps the recordings, as https://10.0.0.1, for a worker
    that has none of them in its DATA. Default: none; they are in DATA."""

    media_key: SecretStr | None = None
    """The key that this API has as SERVE__MEDIA_KEY; a file is better."""

    media_ca_file: Path | None = None
    """File with the certificate (PEM) of the authority that its certificate is of. Default: those
    that this machine trusts."""

    media_cache_bytes: ByteSize = Field(default=ByteSize(20 * 2**30), gt=0)
    """Bytes of fetched recordings that are kept in DATA, as 20GiB; what was unused longest goes.
    The longest recording has to fit in."""


class JobsConfig(_Part):
    """How work for later is done."""

    queue: Literal["inprocess", "celery"] = "inprocess"
    """`inprocess`: threads of `malgwi serve` do the jobs. `celery`: workers elsewhere, told by
    Redis."""

    broker: SecretStr | None = None
    """Address of Redis for `celery`, as redis://:password@host:6379/0."""

    workers: int = Field(default=2, ge=1)
    """Jobs that are done at a time, in `malgwi serve` or a worker."""

    node: str = Field(default="", pattern="^[A-Za-z0-9._-]*$")
    """Name of this machine in the inventory, by which `malgwi doctor --all-nodes` knows whose
    worker it is. Default: the name of the host."""

    lease: float = Field(default=15.0, ge=1.0)
    """Seconds without a sign of life after which a worker is taken for dead, and its job given to
    another. The same for all workers and the reaper."""

    time_limit: float = Field(default=12 * 3600.0, ge=0.0)
    """Seconds that an attempt at a job may take; then it is stopped, and has failed. 0 for as long
    as it likes."""

    keep_days: float = Field(default=90.0, ge=0.0, le=36_500.0)
    """Days after which a job that ended is forgotten, unless it is the last one of a recording
    or has a key. 0 to keep all of them."""


class ServeConfig(_Part):
    """The service that `malgwi serve` runs."""

    host: str = "127.0.0.1"
    """Address to listen on. 0.0.0.0 for all; then a key is needed."""

    port: int = Field(default=8000, ge=0, le=65535)
    """Its port."""

    console: bool = True
    """Whether it serves the pages for a browser beside the API."""

    reference_folders: tuple[Path, ...] = ()
    """Folders of this machine from which recordings may be taken by their path, as JSON."""

    watch: Path | None = None
    """Folder from which recordings are taken as they fall into it. Default: none."""

    watch_pattern: str | None = None
    """How their names are made, as {channel}_{started:%Y%m%d-%H%M%S}.wav. Default: as they
    come."""

    watch_files: int = Field(default=1, ge=1, le=64)
    """How many files make a recording, one a channel; more than one need WATCH_PATTERN."""

    webhook_hosts: tuple[str, ...] = ()
    """Hosts on private networks that may be told of events, as JSON."""

    media_key: SecretStr | None = None
    """Key by which workers on other nodes may fetch recordings by their sum, and do nothing else;
    a file is better. Default: none."""


class ClientConfig(_Part):
    """The service that `malgwi submit`, `jobs`, `search` and `export` ask."""

    address: str = "http://127.0.0.1:8000"
    """Where `malgwi serve` listens."""

    key_file: Path | None = None
    """File with a key for it, which nobody else should be able to read. Default: none."""


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

    client: ClientConfig = ClientConfig()
    engine: EngineConfig = EngineConfig()
    jobs: JobsConfig = JobsConfig()
    serve: ServeConfig = ServeConfig()
    store: StoreConfig = StoreConfig()
    stt: SttConfig = SttConfig()
    vad: VadConfig = VadConfig()

    @field_validator("home", "models", "model_source")
    @classmethod
    def _at_home(cls, path: Path | None) -> Path | None:
        try:
            return path.expanduser() if path else path
        except RuntimeError as error:  # as in a container whose user has no name
            raise ValueError("there is no such home folder; set MALGWI_HOME") from error


def read_config(chosen: Mapping[str, Mapping[str, Any]] = MappingProxyType({})) -> Config:
    """The settings of this process; those in `chosen`, by part and name, go before what is set,
    unless they are None. Raises BadOption, naming the variable."""
    given = _short(os.environ)
    for part, values in chosen.items():
        given.setdefault(part, {}).update({k: v for k, v in values.items() if v is not None})
    try:
        return Config(**given)
    except ValidationError as error:
        raise BadOption(" ".join(_sentences(error))) from error
    except SettingsError as error:
        raise BadOption(
            f'{_said(error)} must hold JSON, as in {{"threads": 4}} or ["one", "two"]: '
            f"{error.__cause__ or error}."
        ) from error


def _short(environ: Mapping[str, str]) -> dict[str, Any]:
    """What is set under a name of others, and not under ours."""
    given: dict[str, Any] = {}
    for name, (part, field) in SHORT.items():
        ours = f"{PREFIX}{part}{_DELIMITER}{field}".upper()
        if environ.get(name) and not environ.get(ours):
            given.setdefault(part, {})[field] = environ[name]
    return given


def data_folder(config: Config) -> Path:
    return config.store.data or config.home / "data"


def database_address(config: Config) -> str:
    """Of the database, with the password from its file."""
    if config.store.url is None:
        return f"sqlite:///{data_folder(config) / 'malgwi.db'}"
    url = config.store.url.get_secret_value()
    if config.store.password_file is None:
        return url
    password = config.store.password_file.read_text("utf-8").strip()
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    user = parts.netloc.rpartition("@")[0].partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))


def setting_names() -> list[str]:
    """Every variable that is read, as `MALGWI_STT__MODEL`."""
    return sorted(_names(Config, PREFIX))


def secret_file_names() -> list[str]:
    """Every variable that names a file with a secret in it instead, as
    `MALGWI_JOBS__BROKER_FILE`."""
    return sorted(f"{each}{_IN_A_FILE.upper()}" for each in _names(Config, PREFIX, _secrets))


def unknown_settings(environ: Mapping[str, str] = os.environ) -> list[str]:
    """A sentence for each variable that looks like a setting and is none."""
    known = setting_names() + secret_file_names()
    given = (name.upper() for name in environ if name.upper().startswith(PREFIX))
    return [_unknown(name, known) for name in sorted(given) if not _is_known(name, known)]


Chosen = Callable[[type[BaseModel]], Iterable[str]]
"""Which of the fields of a part."""


def _all(part: type[BaseModel]) -> Iterable[str]:
    return part.model_fields


def _names(part: type[BaseModel], prefix: str, chosen: Chosen = _all) -> Iterator[str]:
    for name, field in part.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _names(inner, f"{prefix}{name.upper()}{_DELIMITER}", chosen)
        elif name in chosen(part):
            yield f"{prefix}{name.upper()}"


def _is_known(name: str, known: list[str]) -> bool:
    options = (each for each in known if each.endswith("OPTIONS"))
    return name in known or name.startswith(tuple(f"{each}{_DELIMITER}" for each in options))


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    hint = f"Is {near[0]} meant?" if near else "docs/reference/settings.md lists what there is."
    return f"{name} is set, and no setting is called that. {hint}"


def _said(error: SettingsError) -> str:
    """The setting that cannot be parsed, as far as the library says it."""
    field = re.search(r'field "(\w+)"', str(error))
    part = field[1].upper() if field else "STT"
    return f"One of the variables {PREFIX}{part}{_DELIMITER}.."


def _sentences(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False):
        variable = PREFIX + _DELIMITER.join(str(part).upper() for part in fault["loc"])
        yield f"{variable} is {str(fault['input'])!r}: {fault['msg'].lower()}."
