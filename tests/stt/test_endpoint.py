import ssl
from pathlib import Path

import pytest
from stt.web import Answer, Answerer, Asked, openai, serving

from malgwi import plugins, stt
from malgwi.errors import BadOption, EngineGone
from malgwi.ops.nodes import certificates
from malgwi.testing import ScriptedTranscriber

WHISPER_CPP = {"Server": "whisper.cpp"}


def pages(**found: Answer) -> Answerer:
    """Answers at these paths, `_` in place of `/`, and 404 elsewhere."""
    return lambda asked: found.get(asked.path.replace("/", "_"), Answer("no such page", 404))


def test_openais_api_is_known_by_its_models() -> None:
    with serving(openai(ScriptedTranscriber())) as web:
        assert stt.probe(web.address) == "openai-http"
        assert stt.probe(web.address + "/v1/") == "openai-http"


def test_what_was_found_can_be_loaded_and_asked() -> None:
    with serving(openai(ScriptedTranscriber())) as web:
        engine = plugins.load("stt", stt.probe(web.address))(endpoint=web.address)

    assert engine.engine.name == "openai-http"


@pytest.mark.parametrize("status", [401, 403])
def test_whoever_wants_a_key_speaks_openais_api(status: int) -> None:
    with serving(lambda asked: Answer(status=status)) as web:
        assert stt.probe(web.address) == "openai-http"


def test_whisper_cpp_is_known_by_its_name() -> None:
    with serving(pages(_v1_models=Answer("File Not Found", 404, WHISPER_CPP))) as web:
        assert stt.probe(web.address) == "whisper-cpp"


def test_whisper_cpp_behind_a_proxy_is_known_by_its_page() -> None:
    page = "<html><title>Whisper.cpp Server</title></html>"
    with serving(pages(_health=Answer({"status": "ok"}), _=Answer(page))) as web:
        assert stt.probe(web.address) == "whisper-cpp"


@pytest.mark.parametrize(
    "other",
    [
        pages(),
        pages(_health=Answer({"status": "ok"}), _=Answer("<title>A shop</title>")),
        pages(_v1_models=Answer("<html>", 200)),
        pages(_v1_models=Answer("[1]", 200)),
    ],
)
def test_what_is_no_engine_is_not_taken_for_one(other: Answerer) -> None:
    with serving(other) as web, pytest.raises(BadOption, match="no engine for speech"):
        stt.probe(web.address)


def test_a_server_that_is_not_ready_is_not_called_something_else() -> None:
    def loading(asked: Asked) -> Answer:
        return Answer(status=503)

    with serving(loading) as web, pytest.raises(EngineGone, match="not ready"):
        stt.probe(web.address)


def test_where_nothing_answers_it_says_what_to_look_at() -> None:
    with serving(pages()) as web:
        address = web.address

    with pytest.raises(EngineGone, match=r"container itself.*host\.docker\.internal"):
        stt.probe(address)


def test_from_a_container_it_says_how_to_reach_the_host() -> None:
    with pytest.raises(EngineGone, match=r"0\.0\.0\.0.*host-gateway"):
        stt.probe("http://host.docker.internal:9")


@pytest.mark.parametrize("endpoint", ["host:8081", "ftp://host", "file:///etc/passwd"])
def test_only_http_addresses_are_asked(endpoint: str) -> None:
    with pytest.raises(BadOption, match="http://"):
        stt.probe(endpoint)


@pytest.mark.parametrize("name", ["openai-http", "whisper-cpp"])
def test_an_engine_without_an_endpoint_says_what_to_set(name: str) -> None:
    with pytest.raises(BadOption, match="STT_ENDPOINT"):
        plugins.load("stt", name)()


def test_an_engine_with_a_certificate_of_ones_own_is_trusted_where_that_is_named(
    tmp_path: Path,
) -> None:
    authority = certificates.new_authority("ours")
    pair = certificates.issued(authority, "engine", ["127.0.0.1"])
    for name, content in {"certificate": pair.certificate, "key": pair.key}.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "authority").write_bytes(authority.certificate)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "certificate", tmp_path / "key")

    with serving(openai(ScriptedTranscriber()), tls) as web:
        options = {"endpoint": web.address, "ca_file": tmp_path / "authority"}
        name = stt.probe(web.address, tmp_path / "authority")
        engine = plugins.load("stt", name)(**options)
        with pytest.raises(EngineGone):
            stt.probe(web.address)

    assert engine.engine.name == "openai-http"


def test_what_is_no_certificate_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="ca_file names"):
        stt.probe("https://127.0.0.1:1", tmp_path / "nothing")
