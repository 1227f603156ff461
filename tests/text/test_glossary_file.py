"""A glossary is read from YAML or CSV, and what is wrong with one is said with file and line."""

import re
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from malgwi.errors import BadGlossary
from malgwi.text import Entry, Glossary, Syntax, parse_glossary, read_glossary
from malgwi.text.glossary_file import LARGEST

Reader = Callable[[str, str | bytes], Glossary]

YAML = """\
# gates
- id: north-gate
  written: 북문(North Gate)
  spoken: [북 문, north gate]
  match: morpheme
  channels: [tower, 3]
  languages: [ko, EN]
- written: NO
  spoken: no
  case_sensitive: true
"""
CSV = """\
Written,spoken,id,match,channels,languages,case_sensitive,,
북문(North Gate),북 문|north gate,north-gate,morpheme,tower|3,ko|EN,,,

NO,no,,,,,yes,,
"""
EXPECTED = Glossary(
    (
        Entry(
            "north-gate",
            "북문(North Gate)",
            ("북 문", "north gate"),
            "morpheme",
            frozenset({"tower", "3"}),
            frozenset({"ko", "en"}),
        ),
        Entry("no", "NO", ("no",), case_sensitive=True),
    )
)


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    """Reads this as a file of this name."""

    def read(name: str, content: str | bytes) -> Glossary:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_glossary(path)

    return read


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("g.yaml", YAML),
        ("g.YML", "\ufeff" + YAML.replace("\n", "\r\n")),
        ("g.csv", CSV),
        ("g.csv", "\ufeff" + CSV.replace("\n", "\r\n")),
    ],
)
def test_yaml_and_csv_say_the_same(read: Reader, name: str, content: str) -> None:
    assert read(name, content) == EXPECTED


def test_the_two_examples_of_the_reference_say_the_same(read: Reader) -> None:
    page = Path(__file__).parents[2] / "docs/reference/glossary.md"
    as_yaml, as_csv = re.findall(r"(?:^    .*\n)+", page.read_text(encoding="utf-8"), re.MULTILINE)

    glossary = read("g.yaml", dedent(as_yaml))

    assert glossary == read("g.csv", dedent(as_csv))
    assert len(glossary.entries) == 4


def test_ids_are_made_of_the_written_forms_and_differ(read: Reader) -> None:
    glossary = read("g.csv", "id,written,spoken\n,북문 (N),a\n,북문 (N),b\nx,북문-n,c\n,+++,d\n")

    first, second, given_one, symbols = (entry.id for entry in glossary.entries)
    assert (first, second, given_one) == ("북문-n", "북문-n-2", "x")
    assert len(symbols) == 8


def test_forms_are_read_as_nfc_without_odd_spaces(read: Reader) -> None:
    [entry] = read(
        "g.yaml", '- written: " \u1107\u116e\u11a8 \u00a0 문"\n  spoken: a\u200bb\n'
    ).entries

    assert (entry.written, entry.spoken) == ("북 문", ("ab",))


def test_a_tag_constructs_nothing(read: Reader, tmp_path: Path) -> None:
    made = tmp_path / "made"

    read("g.yaml", f'- written: !!python/object/apply:pathlib.Path.touch ["{made}"]\n  spoken: a\n')

    assert not made.exists()


@pytest.mark.parametrize(
    ("content", "line", "why"),
    [
        ("- written: A\n  spoken: [b\n", 3, "not YAML"),
        ("- written: A\n  spoken: b\x07\n", 2, "control character"),
        ("- written: A\n  spoken: *b\n", 2, "aliases"),
        ("- written: A\n  spoken: &a [a, b]\n- written: B\n  spoken: *a\n", 4, "aliases"),
        ("- written: A\n  spoken: b\n---\n", 3, "another document"),
        ('- written: "\\U00110000"\n  spoken: b\n', 1, "escape"),
        ('- spoken: b\n  written: "\\uD800"\n', 2, "half a character"),
        ("[" * 100_000, 1, "nested too deeply"),
        ("", 1, "no entries"),
        ("[]", 1, "no entries"),
        ("written: A\n", 1, "a list of entries"),
        ("- A\n", 1, "it must have keys"),
        ("- ? [a]\n  : b\n", 1, "a key must be a plain word"),
        (
            "- written: A\n  spokne: b\n",
            2,
            "entry 1: there is no key 'spokne'; did you mean 'spoken'",
        ),
        ("- written: A\n  xyz: b\n", 2, "there are id, written"),
        ("- written: A\n  spoken: b\n  written: c\n", 3, "'written' is there twice"),
        ("- spoken: b\n", 1, "entry 1: 'written' is missing"),
        ("- spoken: b\n  written:\n", 2, "'written' is missing"),
        ("- spoken: b\n  written: [a, b]\n", 2, "not a list"),
        ("- written: A\n", 1, "entry 'A': 'spoken' is missing"),
        ("- written: A\n  spoken: []\n", 2, "'spoken' is missing"),
        ("- written: A\n  spoken: ~\n", 2, "'spoken' is missing"),
        ("- written: A\n  spoken: [b, '']\n", 2, "one of 'spoken' is empty"),
        ("- written: A\n  spoken: {b: c}\n", 2, "a text or a list of texts"),
        ("- id: x\n  written: A\n  spoken: b\n  match: wrod\n", 4, "entry 'x': 'match' is 'wrod'"),
        ("- written: A\n  spoken: b\n  languages: korean\n", 3, "'korean' is no language code"),
        ("- written: A\n  spoken: b\n  case_sensitive: maybe\n", 3, "'true' or 'false'"),
        (
            "- {id: x, written: A, spoken: b}\n- {id: x, written: C, spoken: d}\n",
            2,
            "another entry has the same id",
        ),
        (
            "- {written: A, spoken: 북 문}\n- {written: C, spoken: [d, 북문]}\n",
            2,
            "entry 'C': '북문' is written 'A' in line 1",
        ),
    ],
)
def test_wrong_yaml_is_said_with_its_line(read: Reader, content: str, line: int, why: str) -> None:
    with pytest.raises(BadGlossary) as error:
        read("bad.yaml", content)

    assert f"bad.yaml, line {line}: " in str(error.value)
    assert why in str(error.value)


@pytest.mark.parametrize(
    ("content", "line", "why"),
    [
        ("", 1, "no entries"),
        ("written,spoken\n", 1, "no entries"),
        ("written,spoken,matsh\n", 1, "did you mean 'match'"),
        ("written,spoken,spoken\n", 1, "'spoken' is there twice"),
        ("written\nA\n", 2, "entry 'A': 'spoken' is missing"),
        ("written,spoken\n\n,b\n", 3, "entry 1: 'written' is missing"),
        ("written,spoken\na,b\nc,d,e\n", 3, "entry 2: there are 3 cells under 2 columns"),
        ('written,spoken\n"a\nb",c\nd,e|\n', 4, "one of 'spoken' is empty"),
        ('written,spoken\n"a,b\n', 2, "not CSV"),
        ("written,spoken\na,b\nc,B\n", 3, "entry 'c': 'B' is written 'a' in line 2"),
        ("written,spoken\na,b\n북문,c\n".encode("cp949"), 3, "Save it as UTF-8"),
        ("written,spoken\na,b\n".encode("utf-16"), 1, "Save it as UTF-8"),
    ],
)
def test_wrong_csv_is_said_with_its_line(
    read: Reader, content: str | bytes, line: int, why: str
) -> None:
    with pytest.raises(BadGlossary) as error:
        read("bad.csv", content)

    assert f"bad.csv, line {line}: " in str(error.value)
    assert why in str(error.value)


@pytest.mark.parametrize(
    "apart",
    [
        "channels: [tower]}\n- {written: C, spoken: b, channels: [ground]}",
        "languages: [ko]}\n- {written: C, spoken: b, languages: [en]}",
        "case_sensitive: true}\n- {written: C, spoken: B, case_sensitive: true}",
    ],
)
def test_the_same_spoken_form_may_be_written_in_two_ways_in_two_places(
    read: Reader, apart: str
) -> None:
    assert len(read("g.yaml", "- {written: A, spoken: b, " + apart).entries) == 2


def test_a_file_that_is_not_there_or_not_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()

    with pytest.raises(BadGlossary, match=r"none\.csv cannot be read: No such file"):
        read_glossary(tmp_path / "none.csv")
    with pytest.raises(BadGlossary, match=r"folder\.yaml cannot be read"):
        read_glossary(tmp_path / "folder.yaml")


def test_a_file_of_another_kind_or_too_large_is_refused(read: Reader) -> None:
    with pytest.raises(BadGlossary, match=r"must end in \.yaml, \.yml or \.csv"):
        read("glossary.txt", YAML)
    with pytest.raises(BadGlossary, match="larger than 5 MB"):
        read("glossary.csv", b"#" * (LARGEST + 1))


@given(
    st.sampled_from(["g.yaml", "g.csv"]),
    st.binary(max_size=60)
    | st.lists(
        st.sampled_from(
            ["- ", "written", "spoken", ": ", ",", "\n", "  ", '"', "[", "|", "&a", "*a", "북문"]
        )
    ).map(lambda parts: "".join(parts).encode()),
)
def test_whatever_is_in_the_file_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / name
    path.write_bytes(content)

    try:
        glossary = read_glossary(path)
    except BadGlossary as error:
        assert str(path) in str(error)
    else:
        assert glossary.entries


@pytest.mark.parametrize(
    ("text", "syntax"),
    [("- written: 북문\n  spoken: [붕문]\n", "yaml"), ("written,spoken\n북문,붕문\n", "csv")],
)
def test_a_text_is_read_as_its_file_would_be(tmp_path: Path, text: str, syntax: Syntax) -> None:
    path = tmp_path / f"names.{syntax}"
    path.write_text(text, "utf-8")

    assert parse_glossary(text, syntax) == read_glossary(path)


def test_a_fault_of_a_text_is_said_with_its_line() -> None:
    with pytest.raises(BadGlossary, match=r"^The glossary, line 1: entry '북문': "):
        parse_glossary("- written: 북문\n", "yaml")
