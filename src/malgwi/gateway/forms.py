"""Form fields to a pydantic model, as clients really send them, and the form as OpenAPI has it.

An empty value counts as unset, unknown fields are left alone, lists are taken as `name` and as
`name[]`: each is what some client does.
"""

import types
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from malgwi.errors import BadOption
from malgwi.gateway.uploads import Form


class BadField(BadOption):
    """A field of a form has a value that makes no sense."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"The field {field!r} cannot be used: {reason}.")
        self.field = field


class FormModel(BaseModel):
    """Base of the models of forms: no NaN for a number, nothing but what is declared."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", allow_inf_nan=False, populate_by_name=True
    )


M = TypeVar("M", bound=FormModel)


def read_form(model: type[M], form: Form | Mapping[str, Sequence[str]]) -> M:
    """The model, from a form or from the parameters of a query. Raises BadField.

    Of a field that is there several times and is no list, the last value counts.
    """
    given = form.fields if isinstance(form, Form) else form
    values: dict[str, object] = {}
    for name, info in model.model_fields.items():
        key = _key(name, info)
        found = [each for alias in (key, f"{key}[]") for each in given.get(alias, ()) if each]
        if found:
            values[name] = found if _is_list(info.annotation) else found[-1]
    try:
        return model.model_validate(values)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = str(fault["loc"][0]) if fault["loc"] else "form"
        raise BadField(where, _reason(fault["msg"])) from error


def unknown_fields(model: type[FormModel], form: Form) -> list[str]:
    """The fields that are sent and that the model does not have."""
    keys = {_key(name, info) for name, info in model.model_fields.items()}
    return sorted(name for name in form.fields if name.removesuffix("[]") not in keys)


def form_openapi(
    model: type[FormModel], file_field: str | None = "file", required: Collection[str] = ()
) -> dict[str, Any]:
    """`openapi_extra` of a route that reads this form, and a file under `file_field`."""
    schema = model.model_json_schema(by_alias=True)
    properties = {
        name: _plain(each, schema.get("$defs", {}))
        for name, each in schema.get("properties", {}).items()
    }
    needed = [*schema.get("required", ()), *required]
    if file_field:
        properties = {file_field: {"type": "string", "format": "binary"}, **properties}
        needed = [file_field, *needed]
    form = {"type": "object", "properties": properties, "required": needed}
    content = {"multipart/form-data": {"schema": form}}
    return {"requestBody": {"required": True, "content": content}}


def _key(name: str, info: FieldInfo) -> str:
    """What the field is called on the wire."""
    alias = info.validation_alias
    return (alias if isinstance(alias, str) else name).removesuffix("[]")


def _is_list(annotation: Any) -> bool:
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return any(_is_list(each) for each in get_args(annotation))
    return isinstance(origin, type) and issubclass(origin, Collection) and origin is not dict


def _reason(message: str) -> str:
    reason = message.removeprefix("Value error, ").rstrip(".")
    return reason[:1].lower() + reason[1:]


def _plain(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """Without references, and without null: a form cannot send it."""
    if isinstance(schema, list):
        return [_plain(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _plain(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    said = {name: _plain(each, definitions) for name, each in schema.items() if each is not None}
    options = [each for each in said.pop("anyOf", ()) if each != {"type": "null"}]
    if len(options) == 1:
        return {**options[0], **said}
    return {**said, "anyOf": options} if options else said
