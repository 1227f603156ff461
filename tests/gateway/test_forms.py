from typing import Annotated, Literal

import pytest
from pydantic import Field, field_validator

from malgwi.gateway import BadField, Form, FormModel, form_openapi, read_form, unknown_fields


class Wanted(FormModel):
    model: str = "whisper-1"
    language: str | None = None
    response_format: Literal["json", "text"] = "json"
    temperature: Annotated[float, Field(ge=0, le=1)] = 0.0
    granularities: list[Literal["word", "segment"]] | None = None
    names: tuple[str, ...] = ()
    stream: bool = False
    offset: float = 0.0

    @field_validator("language")
    @classmethod
    def _known(cls, language: str | None) -> str | None:
        if language == "xx":
            raise ValueError("there is no such language")
        return language


class Needed(FormModel):
    model: str


def form(**fields: list[str]) -> Form:
    return Form(fields)


def test_fields_become_what_the_model_says() -> None:
    wanted = read_form(Wanted, form(temperature=["0.5"], stream=["true"], language=["ko"]))

    assert (wanted.temperature, wanted.stream, wanted.language) == (0.5, True, "ko")


def test_an_empty_value_is_as_good_as_none() -> None:
    empty = {name: [""] for name in Wanted.model_fields}

    assert read_form(Wanted, form(**empty)) == Wanted()


@pytest.mark.parametrize("name", ["granularities", "granularities[]"])
def test_a_list_is_taken_with_brackets_and_without(name: str) -> None:
    assert read_form(Wanted, form(**{name: ["word", "segment"]})).granularities == [
        "word",
        "segment",
    ]


def test_both_spellings_of_a_list_are_taken_together() -> None:
    given = form(**{"names": ["a", ""], "names[]": ["b"]})

    assert read_form(Wanted, given).names == ("a", "b")


def test_of_a_value_that_is_sent_twice_the_last_counts() -> None:
    assert read_form(Wanted, form(model=["a", "b", ""])).model == "b"


def test_the_parameters_of_a_query_are_read_alike() -> None:
    assert read_form(Wanted, {"names": ["a", "b"], "stream": ["1"]}).names == ("a", "b")


def test_fields_that_nobody_knows_are_left_alone_and_listed() -> None:
    given = form(
        **{"model": ["m"], "granularities[]": ["word"], "chunking": ["auto"], "b[]": ["1"]}
    )

    assert read_form(Wanted, given).model == "m"
    assert unknown_fields(Wanted, given) == ["b[]", "chunking"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", "warm"),
        ("temperature", "2"),
        ("offset", "nan"),
        ("offset", "-inf"),
        ("response_format", "xml"),
        ("granularities", "letter"),
        ("stream", "perhaps"),
        ("language", "xx"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_the_name_of_its_field(
    name: str, value: str
) -> None:
    with pytest.raises(BadField) as refused:
        read_form(Wanted, form(**{name: [value]}))

    assert refused.value.field == name
    assert name in str(refused.value)


def test_what_was_sent_is_not_repeated() -> None:
    with pytest.raises(BadField) as refused:
        read_form(Wanted, form(temperature=["mayday mayday"]))

    assert "mayday" not in str(refused.value)


def test_a_field_that_must_be_there_is_missed() -> None:
    with pytest.raises(BadField, match="'model'"):
        read_form(Needed, form(model=[""]))


def test_the_document_has_the_form_with_its_file() -> None:
    (content,) = form_openapi(Wanted)["requestBody"]["content"].items()

    kind, schema = content[0], content[1]["schema"]
    assert kind == "multipart/form-data"
    assert schema["required"] == ["file"]
    assert schema["properties"]["file"] == {"type": "string", "format": "binary"}
    assert schema["properties"]["response_format"]["enum"] == ["json", "text"]
    assert schema["properties"]["language"]["type"] == "string"
    assert schema["properties"]["granularities"]["type"] == "array"


def test_a_form_without_a_file_and_a_required_field_are_described_too() -> None:
    body = form_openapi(Needed, file_field=None)["requestBody"]

    schema = body["content"]["multipart/form-data"]["schema"]
    assert (schema["required"], list(schema["properties"])) == (["model"], ["model"])
