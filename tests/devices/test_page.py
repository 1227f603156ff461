"""The page for operators shows the tables that the code reads."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from malgwi.devices.tables import read

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "devices.md"
FACTS = {
    "container": ("in a container", "not in a container"),
    "device": ("a GPU in `/dev`", "no GPU in `/dev`"),
    "driver": ("a driver", "no driver"),
    "libcuda": ("`libcuda.so.1`", "no `libcuda.so.1`"),
    "old-driver": ("an old driver", "no old driver"),
}


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def bounds(row: Mapping[str, Any]) -> str:
    match row:
        case {"from": since, "below": below}:
            return f"{since} to below {below}"
        case {"from": since}:
            return f"{since} and later"
        case {"below": below}:
            return f"below {below}"
    return "any"


def cards() -> str:
    heads = ("library", "cards", "compute capability", "version", "computes with", "why")
    return table(
        heads,
        (
            (
                library,
                row["cards"],
                bounds(row),
                bounds(row.get("versions", {})),
                ", then ".join(f"`{each}`" for each in row["compute_types"]),
                row["why"],
            )
            for library, rows in read("cards.toml").items()
            for row in rows
        ),
    )


def wheels() -> str:
    heads = (
        "library", "version", "CUDA", "machine code for", "driver", "PTX for", "driver for PTX",
        "wants",
    )  # fmt: skip
    return table(
        heads,
        (
            (
                library,
                bounds(row),
                row["cuda"],
                ", ".join(row["sass"]),
                row["driver"],
                f"{row['ptx']} and later" if "ptx" in row else "none",
                row.get("ptx_driver", ""),
                ", ".join(row["libraries"]),
            )
            for library, rows in read("wheels.toml").items()
            for row in rows
        ),
    )


def failures() -> str:
    return table(
        ("id", "what is said (regular expression)", "where there is", "cause", "remedy"),
        (
            (
                f"`{row['id']}`",
                f"`{row['pattern']}`".replace("|", r"\|") if "pattern" in row else "",
                ", ".join(conditions(row)),
                row["cause"],
                row["remedy"],
            )
            for row in read("failures.toml")["failure"]
        ),
    )


def conditions(row: Mapping[str, Any]) -> Iterator[str]:
    yield from (FACTS[each][0] for each in row.get("given", ()))
    yield from (FACTS[each][1] for each in row.get("lacking", ()))


@pytest.mark.parametrize(
    "expected", [cards(), wheels(), failures()], ids=["cards", "wheels", "failures"]
)
def test_a_table_of_the_page_is_the_table_in_the_code(expected: str) -> None:
    """Where it fails, put what it prints in the place of the page's table."""
    assert expected in PAGE.read_text("utf-8"), f"\n\n{expected}\n"
