"""What stands in the files that images are built from, and what the last step of a build finds."""

import re
import shutil
import struct
import subprocess
import sys
import tomllib
from importlib.metadata import requires
from importlib.util import find_spec
from pathlib import Path

import pytest
from deploy.composed import DEPLOY
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from malgwi.devices.tables import read

ROOT = DEPLOY.parent
IMAGE = DEPLOY / "image"
DOCKERFILE = (IMAGE / "Dockerfile").read_text("utf-8")
BAKE = (DEPLOY / "docker-bake.hcl").read_text("utf-8")
EXTRAS = (
    *("engine", "serve", "console", "postgresql", "celery"),
    *("faster-whisper", "silero", "openai-http", "whisper-cpp", "client"),
)
LEFT_OUT = {"hf-xet", "uvloop", "watchfiles"}
"""What packages of the image ask for and nothing calls; the Dockerfile says why."""
HIDING = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
"""


def locked(name: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in (IMAGE / name).read_text("utf-8").splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)==([^ ;\\]+)", line):
            found.setdefault(canonicalize_name(match[1]), set()).add(match[2])
    return found


def instructions(stage: str) -> list[str]:
    """Those of the stage, each in a line."""
    plain = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    [found] = re.findall(rf"^FROM \S+ AS {stage}\n(.*?)(?=^FROM |\Z)", plain, re.M | re.S)
    return [line for line in found.splitlines() if line.strip()]


def test_an_image_is_built_without_asking_a_hub_for_a_syntax() -> None:
    assert not re.search(r"^#\s*syntax", DOCKERFILE, re.MULTILINE | re.IGNORECASE)
    bases = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
    stages = set(re.findall(r" AS (\S+)$", DOCKERFILE, re.MULTILINE))
    assert bases - stages == {"${PYTHON}"}
    assert "alpine" not in DOCKERFILE + BAKE and ":latest" not in DOCKERFILE + BAKE
    [default] = re.findall(r"^ARG PYTHON=(\S+)", DOCKERFILE, re.MULTILINE)
    assert f'"{default}"' in BAKE


def test_nothing_in_the_files_says_where_packages_come_from() -> None:
    assert "://" not in DOCKERFILE + BAKE
    assert all("://" not in path.read_text("utf-8") for path in IMAGE.glob("*.lock"))


@pytest.mark.parametrize("stage", ["cpu", "cuda", "torch"])
def test_an_image_runs_as_nobody_in_particular_and_is_tried_last(stage: str) -> None:
    *_, user, check = instructions(stage)

    assert user == "USER 10001:10001"
    assert check.startswith("RUN --network=none") and "/check.py" in check


@pytest.mark.parametrize("name", ["build.lock", "cpu.lock", "cuda.lock", "torch.lock"])
def test_what_goes_into_an_image_is_named_with_its_sum(name: str) -> None:
    entries = re.split(r"\n(?=\S)", (IMAGE / name).read_text("utf-8").strip())

    assert all("--hash=sha256:" in entry for entry in entries)
    installed = re.findall(r"install[^&]*-r (\S+\.lock)", DOCKERFILE.replace("\\\n", " "))
    assert name in installed
    assert DOCKERFILE.count("--require-hashes") == len(installed)


def test_the_image_has_what_is_tested_and_no_torch() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    tested: dict[str, str] = {
        canonicalize_name(match[1]): match[2]
        for line in (ROOT / "requirements.lock").read_text("utf-8").splitlines()
        if (match := re.match(r"([A-Za-z0-9._-]+)==([^ ;\\]+)", line))
    }
    inside = locked("cpu.lock")
    extras = [line for extra in EXTRAS for line in project["optional-dependencies"][extra]]

    for wanted in map(Requirement, [*project["dependencies"], *extras]):
        versions = inside.get(canonicalize_name(wanted.name), set())
        assert versions and all(version in wanted.specifier for version in versions), wanted
    assert set(inside) <= set(tested)
    assert all(tested[name] in versions for name, versions in inside.items())
    assert not {"torch", "transformers", "moonshine-voice", "pytest"} & set(inside)


def test_the_image_lacks_nothing_that_its_packages_ask_for_but_what_is_said() -> None:
    inside = {f"{name}[]" for name in locked("cpu.lock")}
    looked_at, asked = set[str](), [Requirement(f"malgwi[{','.join(EXTRAS)}]")]

    while asked:
        wanted = asked.pop()
        key = f"{canonicalize_name(wanted.name)}[{','.join(sorted(wanted.extras))}]"
        if key not in looked_at:
            looked_at.add(key)
            asked += needs(wanted) if wanted.name not in LEFT_OUT else []

    names = {re.sub(r"\[.*", "[]", key) for key in looked_at}
    assert names - inside == {"malgwi[]", *(f"{name}[]" for name in LEFT_OUT)}


def needs(wanted: Requirement) -> list[Requirement]:
    found = [Requirement(line) for line in requires(wanted.name) or ()]
    here = {key: str(value) for key, value in default_environment().items()}
    extras = ("", *wanted.extras)
    return [
        each
        for each in found
        if not each.marker or any(each.marker.evaluate({**here, "extra": it}) for it in extras)
    ]


LIBRARIES = ("ctranslate2._ext", "lxml.etree", "yaml._yaml")
"""One with what debuggers read in the middle, one with nothing too much, one with it at the end."""


@pytest.mark.parametrize("name", LIBRARIES)
def test_of_a_library_all_that_is_loaded_stays(name: str, tmp_path: Path) -> None:
    spec = find_spec(name)
    assert spec and spec.origin
    (tmp_path / "its").mkdir()
    slimmed = Path(shutil.copy(spec.origin, tmp_path / "its"))

    slim(tmp_path)
    again = slimmed.read_bytes()
    slim(tmp_path)

    before, after = segments(Path(spec.origin)), segments(slimmed)
    assert [content for _, content in after] == [content for _, content in before]
    assert all((address - at) % align == 0 for (at, address, align), _ in after)
    assert slimmed.stat().st_size <= sum(len(content) + align for (_, _, align), content in after)
    assert slimmed.read_bytes() == again


def segments(library: Path) -> list[tuple[tuple[int, int, int], bytes]]:
    """Of those that are loaded: offset, address, alignment; what is in them but for the header."""
    content = library.read_bytes()
    [table] = struct.unpack_from("<Q", content, 32)
    [count] = struct.unpack_from("<H", content, 56)
    found = []
    for number in range(count):
        kind, _, at, address, _, stored, _, align = struct.unpack_from(
            "<IIQQQQQQ", content, table + 56 * number
        )
        if kind == 1:
            found.append(((at, address, align), content[at : at + stored]))
    return [(where, it[table + 56 * count :] if not where[0] else it) for where, it in found]


def test_a_library_is_still_loaded_when_it_is_slim(tmp_path: Path) -> None:
    spec = find_spec("sqlalchemy")
    assert spec and spec.origin
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(spec.origin).parent, tmp_path / "site" / "sqlalchemy", ignore=ignored)
    before = size(tmp_path)

    slim(tmp_path)

    use = "import sqlalchemy.util._collections_cy as it; print(it.OrderedSet([1, 1]), it.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", use],
        env={"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith(f"OrderedSet([1]) {tmp_path}"), done.stderr
    assert size(tmp_path) < 0.8 * before


def test_what_only_compilers_and_tests_read_goes_and_no_more(tmp_path: Path) -> None:
    kept = ("package/module.py", "package/page.html", "package/testing.py", "package/libx.so.1")
    gone = ("package/tests/x.py", "package/fast.pyx", "package/x.pyi", "package/core/x.h")
    for name in (*kept, *gone):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("as it is")

    slim(tmp_path)

    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == set(kept)
    assert all((tmp_path / name).read_text() == "as it is" for name in kept)


def slim(folder: Path) -> None:
    subprocess.run(
        [sys.executable, IMAGE / "slim.py", folder], check=True, stdout=subprocess.DEVNULL
    )


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_the_labels_say_which_drivers_and_cards_there_have_to_be() -> None:
    labels = dict(re.findall(r'(malgwi\.[\w.]+)="([^"]*)"', " ".join(instructions("cuda"))))
    wheel = read("wheels.toml")["ctranslate2"][-1]

    assert labels["malgwi.driver.minimum"] == wheel["driver"]
    assert labels["malgwi.driver.minimum.later"] == wheel["ptx_driver"]
    assert labels["malgwi.gpu.classes"].startswith(" ".join(wheel["sass"]))
    [library] = wheel["libraries"]
    assert library in instructions("cuda")[-1]
    assert set(locked("cuda.lock")) == {"nvidia-cublas-cu12"}


def test_torch_and_ctranslate2_get_one_and_the_same_library_of_nvidia() -> None:
    inside = locked("torch.lock")
    labels = dict(re.findall(r'(malgwi\.[\w.]+)="([^"]*)"', " ".join(instructions("torch"))))
    [version] = inside["torch"]
    [wheel] = [
        row
        for row in read("wheels.toml")["torch"]
        if Version(row["from"]) <= Version(version) < Version(row.get("below", "999"))
    ]

    assert inside["nvidia-cublas-cu12"] == locked("cuda.lock")["nvidia-cublas-cu12"]
    assert not set(inside) & set(locked("cpu.lock"))  # or one would hide the other
    assert labels["malgwi.gpu.classes"] == " ".join(wheel["sass"])
    assert labels["malgwi.driver.minimum"] == wheel["driver"]
    assert " transformers libcublas.so.12 " in instructions("torch")[-1]


def test_for_what_processors_each_image_is_built() -> None:
    assert re.findall(r'group "default" \{ targets = \[(.*)\] \}', BAKE) == ['"cpu", "cuda"']
    targets = re.findall(r'^target "(.*?)" \{(.*?)^\}', BAKE, re.MULTILINE | re.DOTALL)
    platforms = {name: re.findall(r"linux/\w+", body) for name, body in targets}

    assert platforms["cpu-everywhere"] == ["linux/amd64", "linux/arm64"]
    assert platforms["cuda"] == platforms["torch"] == ["linux/amd64"]
    assert platforms["cpu"] == []  # that of the machine
    both = " ".join(
        line for stage in ("dependencies", "base", "cpu") for line in instructions(stage)
    )
    assert not re.search("x86_64|amd64|aarch64|arm64", both)


@pytest.mark.slow
def test_what_can_be_imported_and_answers_is_an_image() -> None:
    done = check()

    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("; the service answers.\n")


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["python_multipart", "psycopg", "nicegui", "onnxruntime"])
def test_what_lacks_a_package_is_no_image(missing: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(HIDING.format(name=missing))

    done = check(PYTHONPATH=str(tmp_path))

    assert done.returncode != 0
    assert missing in done.stderr


@pytest.mark.slow
def test_what_lacks_a_library_is_no_image() -> None:
    done = check("libnone-of-ours.so.12")

    assert done.returncode != 0 and "libnone-of-ours.so.12" in done.stderr


def check(*libraries: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """The last step of a build, here."""
    return subprocess.run(
        [sys.executable, IMAGE / "check.py", *libraries],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
