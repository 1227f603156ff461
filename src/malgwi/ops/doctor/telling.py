"""What a service tells of itself to an examination of all machines: nobody else sees it from where
it is.

Every value is a fact as JSON has it, or says why there is none. Nothing of it is secret.
"""

import http.client
import re
import ssl
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from malgwi.config import Config
from malgwi.errors import MalgwiError
from malgwi.ops.doctor.base import NotThere
from malgwi.ops.doctor.database import Seen, condition
from malgwi.ops.doctor.hiding import Hiding
from malgwi.ops.doctor.machine import Machine
from malgwi.ops.doctor.subject import Subject

if TYPE_CHECKING:
    from malgwi.store import Elsewhere

_WAIT = 2.0  # seconds
_MOST = 1 << 20  # bytes
_SAMPLE = re.compile(r"^(malgwi_\w+_info)\{(.*)\} 1(?:\.0)?$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

Facts = Mapping[str, Any]


def unchanging(role: str, node: str, queues: tuple[str, ...] = ()) -> Facts:
    return {"role": role, "node": node, "queues": list(queues), "version": version("malgwi")}


def facts(config: Config, elsewhere: "Elsewhere | None") -> Facts:
    """Of a service with these settings, which fetches media from `elsewhere`. Raises nothing that
    is expected."""
    hiding = Hiding(config, {})
    told: dict[str, Any] = {}
    media: str | None = None
    try:
        seen = condition(Subject(config, Machine()))
        told["database"], media = _database(seen), seen.condition.media
    except (MalgwiError, NotThere) as error:
        told["database"] = {"fault": hiding.hidden(str(error))}
    if elsewhere is not None:
        told["media"] = {"from": elsewhere.source.shown}
        try:
            elsewhere.source.check(media)
        except MalgwiError as error:
            told["media"]["fault"] = hiding.hidden(str(error))
    if config.stt.endpoint:
        told["engine"] = _engine(config, config.stt.endpoint)
    return told


def _database(seen: Seen) -> Facts:
    found = seen.condition
    ahead = None if found.clock is None else round(seen.at - found.clock.timestamp(), 1)
    return {"instance": found.instance, "folder": found.folder_instance, "ahead": ahead}


def _engine(config: Config, endpoint: str) -> Facts:
    """By its metrics: they have its version and what it computes on, and cost it nothing."""
    try:
        text = _metrics(config, endpoint)
    except (OSError, http.client.HTTPException, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return {"fault": said or type(error).__name__}
    samples = [(name, dict(_LABEL.findall(labels))) for name, labels in _SAMPLE.findall(text)]
    versions = [each["version"] for name, each in samples if name == "malgwi_build_info"]
    return {
        "version": versions[0] if versions else None,
        "devices": sorted(
            {each["device"] for name, each in samples if name == "malgwi_model_loaded_info"}
        ),
        "fallbacks": sorted(
            {each["reason"] for name, each in samples if name == "malgwi_device_fallback_info"}
        ),
    }


def _metrics(config: Config, endpoint: str) -> str:
    """Raises OSError, HTTPException, and ValueError where no engine of ours answers."""
    parts = urlsplit(endpoint if "://" in endpoint else f"http://{endpoint}")
    options = config.stt.options
    key_file, authority = options.get("api_key_file"), options.get("ca_file")
    key = Path(key_file).read_text("utf-8").strip() if key_file else ""
    host, port = parts.hostname or "", parts.port
    if parts.scheme == "https":
        trusting = ssl.create_default_context(cafile=authority)
        line: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, port, timeout=_WAIT, context=trusting
        )
    else:
        line = http.client.HTTPConnection(host, port, timeout=_WAIT)
    try:
        line.request("GET", "/metrics", headers={"Authorization": f"Bearer {key}"} if key else {})
        answer = line.getresponse()
        text = answer.read(_MOST).decode("utf-8", "replace")
    finally:
        line.close()
    if answer.status in (401, 403):
        raise ValueError("it does not accept our key")
    if answer.status != 200 or "malgwi_build_info" not in text:
        raise ValueError("what answers is no engine of ours")
    return text
