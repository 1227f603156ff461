"""The document opens in python-docx and says what the transcript says."""

import io
from dataclasses import replace

import docx
from docx.oxml.ns import qn

from malgwi.apps.transcription import FORMATS
from malgwi.types import Transcript


def written(transcript: Transcript) -> bytes:
    file = io.BytesIO()
    FORMATS["docx"].write(transcript, file)
    return file.getvalue()


def test_a_document_has_title_facts_notices_and_lines(radio: Transcript) -> None:
    document = docx.Document(io.BytesIO(written(radio)))

    facts, lines = document.tables
    assert document.paragraphs[0].text == "관제 무전 1"
    assert [cell.text for cell in facts.rows[1].cells] == ["Duration", "01:01:40"]
    assert "The file breaks off at 01:01:40." in [each.text for each in document.paragraphs]
    rows = [[cell.text for cell in row.cells] for row in lines.rows]
    assert rows[0] == ["Time", "Speaker", "Text"]
    assert rows[1] == ["00:00:01.2", "tower", "대한항공 공이칠 이륙을 허가합니다."]
    assert rows[4] == ["00:00:12.0", "김 기장", "음 <잡음> R&D --> 확인"]
    assert len(rows) == 7


def test_the_speaker_is_bold_in_the_colour_of_the_channel(radio: Transcript) -> None:
    document = docx.Document(io.BytesIO(written(radio)))

    styles = [row.cells[1].paragraphs[0].runs[0].style for row in document.tables[1].rows[1:4]]

    assert all(style.font.bold for style in styles)
    assert len({str(style.font.color.rgb) for style in styles}) == 3


def test_the_header_is_repeated_and_korean_has_a_font(radio: Transcript) -> None:
    document = docx.Document(io.BytesIO(written(radio)))

    assert document.tables[1].rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
    fonts = document.styles["Normal"].element.rPr.rFonts
    assert fonts.get(qn("w:eastAsia")) == "Malgun Gothic"
    assert fonts.get(qn("w:eastAsiaTheme")) is None


def test_the_same_transcript_gives_the_same_bytes(radio: Transcript) -> None:
    assert written(radio) == written(radio)


def test_what_xml_cannot_hold_is_left_out(radio: Transcript) -> None:
    odd = replace(radio.utterances[0], text="a\x00b\ufffec </w:t> &amp;", speaker="\x1b[31m")

    document = docx.Document(
        io.BytesIO(written(replace(radio, utterances=(odd,), sources=("a\x01\\1.wav",))))
    )

    assert document.paragraphs[0].text == "a\\1"
    assert [cell.text for cell in document.tables[1].rows[1].cells][1:] == [
        "[31m",
        "abc </w:t> &amp;",
    ]


def test_nothing_said_is_a_document_all_the_same(radio: Transcript) -> None:
    document = docx.Document(io.BytesIO(written(replace(radio, utterances=(), channels=()))))

    assert len(document.tables[1].rows) == 1
