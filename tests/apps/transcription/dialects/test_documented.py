"""The page of the HTTP API has every field that there is, and no other."""

import re
from pathlib import Path

import pytest

from malgwi.apps.transcription.dialects.asr import AsrQuery, DetectQuery
from malgwi.apps.transcription.dialects.deepgram.query import ListenQuery
from malgwi.apps.transcription.dialects.extras import Extras, UtteranceExtras, extra_headers
from malgwi.apps.transcription.dialects.openai.form import (
    ServerVad,
    TranscriptionForm,
    TranslationForm,
)
from malgwi.apps.transcription.dialects.openai.models import ModelExtras
from malgwi.apps.transcription.dialects.whisper_cpp import InferenceForm
from malgwi.gateway import FormModel
from malgwi.types import Transcript

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "http-api.md"
TEXT = PAGE.read_text("utf-8")


def section(heading: str) -> str:
    """What stands below a heading, up to the next."""
    _, _, rest = TEXT.partition(f"{heading}\n")
    return re.split(r"^#", rest, maxsplit=1, flags=re.MULTILINE)[0]


def first_column(text: str, head: str) -> set[str]:
    """The names in the first cells of the table whose head begins with `head`."""
    table = text.partition(f"| {head} |")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


@pytest.mark.parametrize(
    ("heading", "head", "model", "files"),
    [
        ("### POST /v1/audio/transcriptions", "field", TranscriptionForm, {"file"}),
        ("### POST /v1/listen", "parameter", ListenQuery, set()),
        ("### POST /inference", "field", InferenceForm, {"file"}),
        ("### POST /asr", "parameter", AsrQuery, set()),
    ],
)
def test_every_field_is_documented_and_nothing_else(
    heading: str, head: str, model: type[FormModel], files: set[str]
) -> None:
    documented = first_column(section(heading), head)

    assert documented == set(model.model_fields) | files


def test_every_field_of_the_smaller_forms_is_documented() -> None:
    vad = first_column(section("### POST /v1/audio/transcriptions"), "in `server_vad`")
    translation = section("### POST /v1/audio/translations")
    detection = section("### POST /detect-language")

    assert vad == set(ServerVad.model_fields) - {"type"}
    assert all(f"`{name}`" in translation for name in TranslationForm.model_fields)
    assert all(f"`{name}`" in detection for name in DetectQuery.model_fields)


def test_all_that_is_ours_in_an_answer_is_documented(radio: Transcript) -> None:
    everywhere = section("## In all dialects")
    models = section("### Models")

    assert first_column(everywhere, "of an answer") == set(Extras.model_fields)
    assert first_column(everywhere, "of a segment") == set(UtteranceExtras.model_fields)
    assert all(f"`{name}`" in everywhere for name in extra_headers(radio, ["best_of"]))
    assert all(f"`{name}`" in models for name in ModelExtras.model_fields)
