"""The OpenAPI document and the doors say the same: of forms, of answers and of refusals."""

from typing import Any

import pytest
import schemathesis
from apps.transcription.dialects.desk import Desk, recording
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CALL = recording([0])
PATHS = (
    "/v1/audio/transcriptions",
    "/v1/audio/translations",
    "/v1/models",
    "/v1/models/{name}",
    "/v1/models/{name}/load",
    "/v1/models/{name}/unload",
    "/v1/listen",
    "/inference",
    "/load",
    "/asr",
    "/detect-language",
)
SENSIBLE: dict[str, Any] = {
    "file": CALL, "audio_file": CALL, "model": "scripted", "name": "scripted", "language": "en",
    "languages": ["en"], "detect_language": "true", "stream": "false",
}  # fmt: skip
REFUSED = {
    "known_speaker_names", "known_speaker_references", "chunking_strategy", "diarize",
    "tinydiarize", "diarize_model", "callback", "redact", "encoding", "offset_t", "duration",
    "encode",
}  # fmt: skip
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def schema(at: Desk) -> Any:
    return schemathesis.openapi.from_url(f"{at.url}/openapi.json")


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_is_what_the_document_says(schema: Any, path: str) -> None:
    seen = set()
    operations = [each.ok() for each in schema.get_all_operations()]
    [operation] = [each for each in operations if each.path == path]

    @settings(
        max_examples=8,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), sensible=st.booleans())
    def ask(case: Case[Any], sensible: bool) -> None:
        response = (made_sensible(case) if sensible else case).call()
        case.validate_response(response, checks=CHECKS)
        seen.add(response.status_code)

    ask()

    assert 200 in seen
    assert 500 not in seen


def made_sensible(case: Case[Any]) -> Case[Any]:
    """The case with a recording and a model that there are, and without what is refused."""
    if case.path == "/v1/listen":
        case.body, case.media_type = CALL, "application/octet-stream"
    parts: list[Any] = [case.body, case.query, case.path_parameters]
    for fields in (each for each in parts if isinstance(each, dict)):
        for name in set(fields):
            if name in SENSIBLE:
                fields[name] = SENSIBLE[name]
            elif name in REFUSED:
                del fields[name]
    return case
