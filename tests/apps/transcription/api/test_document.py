"""The OpenAPI document, as a generator of clients reads it."""

import json
import re
from typing import Any

import pytest
from apps.transcription.api.site import Site

from malgwi.apps.transcription import FORMATS
from malgwi.apps.transcription.api.exports import TYPES

OPEN = ("read_session", "sign_in", "sign_out")
"""Who is not signed in comes here to do so."""


@pytest.fixture
def document(opened: Site) -> Any:
    return opened.client().get("/openapi.json").json()


def operations(document: Any) -> list[Any]:
    return [
        operation
        for path, methods in document["paths"].items()
        if path.startswith("/v1/")
        for operation in methods.values()
    ]


def test_every_operation_has_a_plain_name_of_its_own(document: Any) -> None:
    names = [each["operationId"] for each in operations(document)]

    assert len(names) == len(set(names)) > 30
    assert all(re.fullmatch("[a-z_]+", name) for name in names)


def test_every_operation_says_how_it_refuses(document: Any) -> None:
    for each in operations(document):
        for status in ("400", "401", "403", "404", "409"):
            assert "application/problem+json" in each["responses"][status]["content"]
        shown: list[dict[str, list[str]]] = [{"bearer": []}, {"header": []}, {"cookie": []}]
        assert each.get("security") == (None if each["operationId"] in OPEN else shown)


def test_all_that_is_referred_to_is_there(document: Any) -> None:
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))

    assert references <= set(document["components"]["schemas"])
    assert {"Problem", "EntryModel", "JobOut", "UtteranceRow"} <= references


def test_a_recording_is_sent_as_a_form_or_by_its_name(document: Any) -> None:
    content = document["paths"]["/v1/recordings"]["post"]["requestBody"]["content"]

    form = content["multipart/form-data"]["schema"]
    assert form["required"] == ["file"]
    assert {"labels", "offsets", "started", "metadata", "glossary"} <= set(form["properties"])
    named = content["application/json"]["schema"]["anyOf"]
    assert [each["required"] for each in named] == [["uploads"], ["path"]]


def test_every_format_can_be_asked_for(document: Any) -> None:
    export = document["paths"]["/v1/exports/{format}"]["get"]

    [names] = [each["schema"]["enum"] for each in export["parameters"] if each["name"] == "format"]
    assert set(names) == set(FORMATS) == set(TYPES)


def test_a_wrong_method_hears_of_the_right_ones(opened: Site) -> None:
    answer = opened.client().options("/v1/recordings/x")
    first = opened.client().options("/v1/users/first")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "DELETE, GET, PATCH"
    assert first.headers["allow"] == "POST"
    assert answer.headers["content-type"] == "application/problem+json"
