"""The page has every check, in the words of the code."""

from collections.abc import Iterator
from pathlib import Path

from malgwi.ops.doctor import CHECKS, NODE_CHECKS, Check

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "doctor.md"
TESTS = Path(__file__).parent
ALL = (*CHECKS, *NODE_CHECKS)


def table(group: str) -> str:
    rows = [each for each in ALL if each.group == group]
    lines = [
        "| id | what is looked at | why it matters | what to do |",
        "| --- | --- | --- | --- |",
        *map(row, rows),
    ]
    return "\n".join(lines)


def row(check: Check) -> str:
    cells = (f"`{check.id}`", *map(cell, (check.looks, check.why, check.mend)))
    return f"| {' | '.join(cells)} |"


def cell(text: str) -> str:
    for sign, written in (("|", r"\|"), ("<", "&lt;"), ("*", r"\*"), ("_", r"\_"), ("[", r"\[")):
        text = text.replace(sign, written)
    return text


def groups() -> Iterator[str]:
    yield from dict.fromkeys(each.group for each in ALL)


def test_the_page_has_every_check_as_the_code_has_it() -> None:
    """Where it fails, put what it prints in the place of the page's table."""
    page = PAGE.read_text("utf-8")

    for group in groups():
        assert table(group) in page, f"\n\n{table(group)}\n"


def test_ids_are_numbered_and_each_stands_once() -> None:
    ids = [each.id for each in ALL]

    assert len(ids) == len(set(ids)) >= 45
    for group in groups():
        numbers = [int(each.id[-3:]) for each in ALL if each.group == group]
        assert numbers == list(range(1, len(numbers) + 1))


def test_every_check_says_what_why_and_what_to_do_in_sentences() -> None:
    for each in ALL:
        assert each.looks.endswith("?") and each.why.endswith("."), each.id
        assert each.mend[0].isupper() or each.mend.startswith("echo"), each.id


def test_every_check_is_tried_in_a_test() -> None:
    tests = "".join(path.read_text("utf-8") for path in TESTS.glob("test_*.py"))

    for each in ALL:
        start, _number = each.id.split("-")
        by_range = f'f"{start}-{{n' in tests or f'f"{start}-00{{n' in tests
        assert each.id in tests or by_range, each.id
