"""A document for word processors: what it is of, then a table of time, speaker and text.

python-docx makes the frame. The rows are put into it as text, one after the other, because a
table of 20,000 rows as objects takes minutes and hundreds of megabytes. The same transcript
gives the same bytes.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.sax.saxutils import escape

import docx
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.oxml.ns import qn
from docx.oxml.shared import OxmlElement
from docx.shared import Mm, Pt, RGBColor

from malgwi.apps.transcription.formats.shown import (
    Line,
    clock,
    facts,
    one_line,
    recording_name,
    shown,
    warnings,
)
from malgwi.types import Transcript

LATIN_FONT, KOREAN_FONT = "Calibri", "Malgun Gothic"
WIDTHS = (Mm(23), Mm(34), Mm(113))
INKS = ("1F5FA8", "A8471F", "2F7A3A", "7A3A8F", "8A6A00", "007A78", "A32D52", "4B5B2A")
HERE = "malgwi-rows"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date a ZIP file can have: that of no transcript
NOT_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(transcript: Transcript, file: BinaryIO) -> None:
    frame = io.BytesIO()
    _frame(transcript).save(frame)
    with zipfile.ZipFile(frame) as made, zipfile.ZipFile(file, "w") as written:
        for name in made.namelist():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            with written.open(entry, "w", force_zip64=True) as part:
                for chunk in _part(name, made.read(name), transcript):
                    part.write(chunk)


def _part(name: str, content: bytes, transcript: Transcript) -> Iterator[bytes]:
    if name != "word/document.xml":
        yield content
        return
    before, after = re.split(rb"<w:tr>(?:(?!<w:tr>).)*?%b.*?</w:tr>" % HERE.encode(), content)
    yield before
    for line in shown(transcript):
        yield _row(line).encode()
    yield after


def _row(line: Line) -> str:
    who, utterance = line
    start = clock(utterance.span.start, 1)
    return "".join(
        (
            "<w:tr><w:trPr><w:cantSplit/></w:trPr>",
            _cell(start, "Time"),
            _cell(one_line(who), f"Voice {utterance.channel % len(INKS) + 1}"),
            _cell(one_line(utterance.text)),
            "</w:tr>",
        )
    )


def _cell(text: str, style: str = "") -> str:
    run = f'<w:rPr><w:rStyle w:val="{style.replace(" ", "")}"/></w:rPr>' if style else ""
    words = escape(_xml_text(text))
    return f'<w:tc><w:p><w:r>{run}<w:t xml:space="preserve">{words}</w:t></w:r></w:p></w:tc>'


def _xml_text(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return NOT_XML.sub("", text)


def _frame(transcript: Transcript) -> Any:
    """The document without its lines; a row that says HERE holds their place."""
    document = docx.Document()
    _dress(document)
    title = _xml_text(one_line(recording_name(transcript)))
    _describe(document, title)
    document.add_heading(title, level=0)
    _rows(document, [(name, _xml_text(value)) for name, value in facts(transcript)])
    for warning in warnings(transcript):
        document.add_paragraph(_xml_text(warning), style="List Bullet")
    document.add_paragraph()
    table = _rows(document, [("Time", "Speaker", "Text"), (HERE, "", "")])
    table.style = "Light List"
    look = table._tbl.tblPr.find(qn("w:tblLook"))
    look.set(qn("w:firstColumn"), "0")  # times are not bold
    look.set(qn("w:val"), "0420")  # the same, for readers that know only the bits
    _repeat_header(table.rows[0])
    for cell in table.rows[0].cells:
        cell.paragraphs[0].runs[0].bold = True
    return document


def _dress(document: Any) -> None:
    """Fonts for both scripts, and a character style a voice."""
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = section.top_margin = Mm(20)
    for style in document.styles:
        if style.type in (WD_STYLE_TYPE.PARAGRAPH, WD_STYLE_TYPE.CHARACTER):
            _set_fonts(style)
    normal = document.styles["Normal"]
    normal.font.size = Pt(10)
    normal.paragraph_format.space_after = Pt(2)
    time = document.styles.add_style("Time", WD_STYLE_TYPE.CHARACTER)
    time.font.color.rgb = RGBColor(0x70, 0x70, 0x70)
    for number, ink in enumerate(INKS, start=1):
        voice = document.styles.add_style(f"Voice {number}", WD_STYLE_TYPE.CHARACTER)
        voice.font.bold = True
        voice.font.color.rgb = RGBColor.from_string(ink)


def _set_fonts(style: Any) -> None:
    """Word takes Korean from `eastAsia`, which python-docx leaves to the theme, that is to luck."""
    style.font.name = LATIN_FONT
    fonts = style.element.rPr.rFonts
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    fonts.set(qn("w:eastAsia"), KOREAN_FONT)


def _describe(document: Any, title: str) -> None:
    """The properties of the file; the template's date is taken out, as it is not ours."""
    properties = document.core_properties
    for each in list(properties._element):
        properties._element.remove(each)
    properties.title = title
    properties.author = "Malgwi"


def _rows(document: Any, rows: list[tuple[str, ...]]) -> Any:
    widths = WIDTHS if len(rows[0]) == len(WIDTHS) else (WIDTHS[0] + Mm(7), Mm(140))
    table = document.add_table(rows=0, cols=len(widths))
    table.alignment = WD_TABLE_ALIGNMENT.LEFT
    table.autofit = False
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
    for row in rows:
        for cell, text, width in zip(table.add_row().cells, row, widths, strict=True):
            cell.width = width
            cell.text = text
    return table


def _repeat_header(row: Any) -> None:
    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
