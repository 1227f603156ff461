"""Which engine is behind an address: `probe("http://host.docker.internal:8081")`."""

from pathlib import Path
from typing import TYPE_CHECKING

from malgwi.errors import BadOption, EngineGone, EngineMissing

if TYPE_CHECKING:
    import httpx

WAIT = 5.0
"""Seconds until an address counts as dead."""


def probe(endpoint: str, ca_file: Path | None = None) -> str:
    """The name under which `plugins.load("stt", name)` has the client for what is there. `ca_file`
    has the certificate of the authority that its own is of.

    Raises EngineGone where nothing answers, BadOption for no address or for something else that
    answers there, EngineMissing without httpx.
    """
    try:
        from malgwi.stt.http_client import Patience, Server  # a library that not everybody has
    except ModuleNotFoundError as error:
        raise EngineMissing("openai-http", error.name) from error
    server = Server(endpoint, parallel=1, timeout=WAIT, ca_file=ca_file, patience=Patience(2))
    models = server.get("/v1/models")
    if models.status_code in (401, 403) or _has(models, "data"):
        return "openai-http"
    if _is_whisper_cpp(models):
        return "whisper-cpp"
    if models.status_code in (429, 502, 503, 504):
        raise EngineGone(f"The engine at {server.shown} is not ready ({models.status_code}).")
    if _has(server.get("/health"), "status") and _is_whisper_cpp(server.get("/")):
        return "whisper-cpp"
    raise BadOption(
        f"What answers at {server.shown} is no engine for speech that is known: it has neither "
        "/v1/models, as OpenAI's API has, nor is it whisper.cpp's server."
    )


def _has(response: "httpx.Response", key: str) -> bool:
    """Whether the answer is a JSON object with this key."""
    try:
        answer = response.json()
    except ValueError:
        return False
    return isinstance(answer, dict) and key in answer


def _is_whisper_cpp(response: "httpx.Response") -> bool:
    """By its name in the head, or on its page where a proxy has put its own there."""
    return "whisper.cpp" in (response.headers.get("Server", "") + response.text).lower()
