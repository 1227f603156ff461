"""The documents say what the code says, and neither has a command or a code without the other."""

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from malgwi import cli
from malgwi.apps.transcription import FORMATS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SOURCE = ROOT / "src" / "malgwi"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("benchmarks/*.md")])
URL = re.compile("[a-z]+:")
COMMAND = re.compile(r"(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?((?:malgwi|make) [^`\n]*)")


def each_page() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@cache
def text_of(page: Path) -> str:
    """A page without what nobody sees."""
    return re.sub(r"<!--.*?-->", "", page.read_text("utf-8"), flags=re.DOTALL)


def split(page: Path) -> tuple[list[str], str]:
    """The lines of code of a page, and all the rest of it."""
    rest, *fenced = re.split(r"^```.*$", text_of(page), flags=re.MULTILINE)
    code = [line for each in fenced[::2] for line in each.splitlines()]
    rest = "\n".join([rest, *fenced[1::2]])
    code += re.findall(r"^ {4}(.*)$", rest, re.MULTILINE)
    return code, re.sub(r"^ {4}.*$", "", rest, flags=re.MULTILINE)


def commands_in(page: Path) -> list[str]:
    """What the page tells people to type, on lines of code and between backticks."""
    code, rest = split(page)
    lines = [line.partition(" #")[0].strip() for line in code]
    found = map(COMMAND.fullmatch, [*lines, *re.findall(r"`([^`\n]+)`", rest)])
    return [match[1] for match in found if match]


def links_in(page: Path) -> list[str]:
    prose = re.sub(r"`[^`\n]*`", "", split(page)[1])
    return [each for each in re.findall(r"\]\(([^)\s]+)\)", prose) if not URL.match(each)]


def first_column(page: Path, pattern: str) -> list[str]:
    """What stands between backticks in the first cells of the page's tables."""
    return re.findall(rf"^\| `({pattern})` \|", text_of(page), re.MULTILINE)


def slugs(page: Path) -> set[str]:
    """The anchors of the page's headings, as the web shows them."""
    headings = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def commands(
    command: click.Command = cli.main, path: str = "malgwi"
) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from commands(each, f"{path} {name}")


def options_of(command: click.Command) -> set[str]:
    options = (each for each in command.params if isinstance(each, click.Option))
    return {name for each in options for name in (*each.opts, *each.secondary_opts)}


def understood(line: str) -> bool:
    """Whether `malgwi ...` names a command that there is, with options that it has."""
    command: click.Command = cli.main
    for token in shlex.split(line)[1:]:
        if token in ("|", ";", "&&", "..."):
            break
        if token.startswith("-"):
            known = options_of(command) | {"--help", "-h"}
            if token.partition("=")[0] not in known:
                return False
        elif isinstance(command, click.Group):
            if token not in command.commands:
                return command.invoke_without_command  # it is the value of an option
            command = command.commands[token]
    return True


def make_targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    return set(re.findall(r"^([a-z-]+):(?!=)", makefile, re.MULTILINE))


def notice_codes() -> Iterator[str]:
    """The first argument of every `Notice("code", ...)` in the source."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name("Notice"), args=[ast.Constant(str(code)), *_]):
                    yield code


@cache
def sections() -> dict[str, str]:
    """The sections of the command's page, by their headings."""
    _, *rest = re.split(r"^## ", text_of(DOCS / "reference" / "cli.md"), flags=re.MULTILINE)
    parts = (each.partition("\n") for each in rest)
    return {heading.strip(): body for heading, _, body in parts}


def heading_of(path: str, command: click.Command) -> str:
    arguments = [each for each in command.params if isinstance(each, click.Argument)]
    usage = (each.make_metavar(click.Context(command)) for each in arguments)
    return " ".join([path, *usage])


def test_every_command_is_documented_and_nothing_else() -> None:
    there = {heading_of(path, command) for path, command in commands()}

    assert set(sections()) == there


@pytest.mark.parametrize("path", dict(commands()))
def test_every_option_is_documented_and_nothing_else(path: str) -> None:
    command = dict(commands())[path]

    rows = re.findall(r"^\| (`-.*?) \|", sections()[heading_of(path, command)], re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`(--?[\w-]+)", row)}

    assert documented == options_of(command)


def test_every_exit_code_is_documented_and_nothing_else() -> None:
    codes = [value for name, value in vars(cli).items() if name.startswith("EXIT_")]

    documented = first_column(DOCS / "reference" / "cli.md", r"\d+")

    assert sorted(map(int, documented)) == sorted([0, *codes])


def test_every_format_is_documented_and_nothing_else() -> None:
    page = DOCS / "reference" / "formats.md"

    in_the_table = text_of(page).partition("## Files")[0]

    assert re.findall(r"^\| `(\w+)` \|", in_the_table, re.MULTILINE) == list(FORMATS)
    assert set(FORMATS) <= set(re.findall(r"`(\w+)`", sections()["malgwi transcribe FILES..."]))
    assert set(FORMATS) <= set(re.findall(r"\w+", " ".join(slugs(page))))


def test_every_notice_is_documented_and_nothing_else() -> None:
    table = text_of(DOCS / "reference" / "notices.md").partition("## Marks")[0]

    documented = re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)

    assert sorted(documented) == sorted(set(notice_codes()))
    assert set(first_column(DOCS / "reference" / "audio.md", "[a-z]+-[a-z-]+")) <= set(documented)


@each_page()
def test_every_link_in_the_docs_leads_somewhere(page: Path) -> None:
    for target in links_in(page):
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        assert there.exists(), f"{page.name} leads to {target}, which is not there"
        assert not anchor or anchor in slugs(there), f"{page.name}: {there.name} has no #{anchor}"


@each_page()
def test_every_command_in_the_docs_would_be_understood(page: Path) -> None:
    for line in commands_in(page):
        if line.startswith("make "):
            assert line.split()[1] in make_targets(), f"{page.name} says {line}"
        else:
            assert understood(line), f"{page.name} says {line}"


def test_a_command_that_there_is_not_would_be_noticed() -> None:
    assert understood("malgwi models pull whisper-base --accept-licence")
    assert not understood("malgwi models fetch whisper-base")
    assert not understood("malgwi transcribe radio.wav --langauge ko")


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_the_first_two_commands_of_the_readme_are_in_the_makefile(name: str) -> None:
    first, second = commands_in(ROOT / name)[:2]

    assert (first, second) == ("make run", "make test")
    assert {"run", "test"} <= make_targets()


def test_both_readmes_have_the_same_commands() -> None:
    english, korean = (commands_in(ROOT / name) for name in ("README.md", "README.ko.md"))

    assert english == korean


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_the_readme_shows_the_rooms_that_there_are(name: str) -> None:
    text = text_of(ROOT / name)

    rooms = {path.parent.name for path in SOURCE.glob("*/__init__.py")}

    assert set(re.findall(r"^ {6}(\w+)/ ", text, re.MULTILINE)) == rooms
    assert set(re.findall(r"^\| `(\w+)/` \|", text, re.MULTILINE)) == rooms


def test_every_page_is_in_the_index_of_the_docs() -> None:
    index = DOCS / "README.md"

    listed = {(DOCS / each).resolve() for each in links_in(index)}

    assert {page for page in DOCS.rglob("*.md") if page != index} <= listed


def test_every_document_that_the_code_names_is_there() -> None:
    named = {
        (path.name, each)
        for folder in (SOURCE, ROOT / "tests", ROOT / "benchmarks")
        for path in folder.rglob("*.py")
        for each in re.findall(r"\bdocs/[\w./-]+\.(?:md|json)\b", path.read_text("utf-8"))
    }

    assert not [(name, each) for name, each in sorted(named) if not (ROOT / each).is_file()]
