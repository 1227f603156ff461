"""A bundle is installed beside what was there, and used only once it works; nobody reaches out."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from deadline import until
from ops.bundles import (
    BROKEN,
    FINE,
    MODEL,
    PHONES_HOME,
    PHONES_HOME_UNSEEN,
    Maker,
    a_blob,
    flip,
    image,
)

from malgwi.errors import BadInput, BadOption, EngineFailed, NetworkError, OutputError
from malgwi.ops import bundle as bundles
from malgwi.ops.bundle import Host, Wishes, images
from malgwi.ops.bundle.installation import install
from malgwi.ops.bundle.manifest import Stack
from malgwi.ops.bundle.stack import Containers

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not find_spec("pip"), reason="without pip no bundle is made"),
]
MALGWI = (sys.executable, "-c", "from malgwi.cli import main; main()")


@pytest.fixture
def first(whole: Path) -> Path:
    return whole


@pytest.fixture(scope="module")
def second(maker: Maker, whole: Path) -> Path:
    """A delta."""
    return maker.make("second", program=f"# new\n{FINE}", version="1.1", base=whole)


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "opt" / "malgwi"


def says(into: Path) -> str:
    program = into / "current" / "bin" / "malgwi"
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout


def steps(into: Path) -> list[str]:
    lines = (into / "journal.jsonl").read_text().splitlines()
    return [json.loads(line)["step"] for line in lines]


def test_what_is_installed_starts_and_has_its_models_and_files(
    first: Path, maker: Maker, into: Path
) -> None:
    done = install(first, into, signers=maker.signers)

    release = into / "current"
    assert says(into) == "malgwi, version\n"
    assert release.resolve() == done.release
    assert (done.before, done.already, done.signer) == (None, False, "malgwi")
    assert (release / "models" / MODEL / "weights.bin").stat().st_size == 2_560_000
    assert os.access(release / "deploy" / "start.sh", os.X_OK)
    assert not (release / "deploy" / ".env").exists()


def test_installing_again_changes_nothing_and_mends_what_is_damaged(
    first: Path, maker: Maker, into: Path
) -> None:
    before = install(first, into, signers=maker.signers)
    weights = max((into / "blobs" / "sha256").iterdir(), key=lambda each: each.stat().st_size)
    flip(weights)

    again = install(first, into, signers=maker.signers)

    assert again.already
    assert again.release == before.release
    assert weights.read_bytes() == a_blob(first).read_bytes()


def test_a_delta_is_installed_beside_its_base_and_leads_back(
    first: Path, second: Path, maker: Maker, into: Path
) -> None:
    with pytest.raises(BadInput, match="It is a delta"):
        install(second, into, signers=maker.signers)
    assert not into.exists()
    old = install(first, into, signers=maker.signers)

    new = install(second, into, signers=maker.signers)

    assert new.before == old.release.name
    assert (into / "current").resolve() == new.release
    with pytest.raises(BadInput, match=r"1\.1 is in use, which is newer"):
        install(first, into, signers=maker.signers)
    back = install(first, into, signers=maker.signers, wishes=Wishes(allow_older=True))
    assert (back.already, back.release) == (True, old.release)
    assert (into / "current").resolve() == old.release


def test_a_delta_with_its_base_at_hand_needs_nothing_installed(
    first: Path, second: Path, maker: Maker, into: Path
) -> None:
    done = install(second, into, signers=maker.signers, wishes=Wishes(base=first))

    assert done.manifest.version == "1.1"
    assert says(into)


def test_where_the_new_version_does_not_work_the_one_before_is_used(
    first: Path, maker: Maker, into: Path
) -> None:
    old = install(first, into, signers=maker.signers)
    broken = maker.make("broken", program=BROKEN, version="2.0")

    with pytest.raises(EngineFailed, match=r"it does not start.* is in use as before"):
        install(broken, into, signers=maker.signers)

    assert (into / "current").resolve() == old.release
    assert says(into) == "malgwi, version\n"
    assert [each.name for each in (into / "releases").iterdir()] == [old.release.name]


def test_who_is_killed_on_the_way_goes_on_from_there(first: Path, maker: Maker, into: Path) -> None:
    arguments = ["bundle", "install", first, "--into", into, "--signers", maker.signers]
    command = [*MALGWI, *map(str, arguments)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        until(lambda: (into / "journal.jsonl").is_file() and "install the packages" in steps(into))
        running.send_signal(signal.SIGKILL)
    assert not (into / "current").exists()

    done = install(first, into, signers=maker.signers)

    assert not done.already
    assert says(into) == "malgwi, version\n"


def test_two_at_once_do_not_meet(first: Path, maker: Maker, into: Path) -> None:
    into.mkdir(parents=True)
    with (into / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(OutputError, match="at this moment"):
            install(first, into, signers=maker.signers)


@pytest.mark.parametrize(
    ("host", "said"),
    [
        (Host(platform="linux/arm64"), "this machine is linux/arm64"),
        (Host(python="3.9"), "this is 3.9"),
        (Host(glibc="2.12"), "has 2.12"),
        (Host(glibc=""), "musl"),
        (Host(makes_environments=False), "python3-venv"),
        (Host(free=lambda _: 1_000_000), "1 MB are free"),
    ],
)
def test_a_machine_that_it_is_not_for_is_told_so_before_anything_is_done(
    first: Path, maker: Maker, into: Path, host: Host, said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        install(first, into, signers=maker.signers, host=host)

    assert not into.exists()


def test_all_that_stands_against_it_is_told_at_once(first: Path, maker: Maker, into: Path) -> None:
    host = Host(platform="linux/arm64", python="3.9")

    with pytest.raises(BadInput, match=r"linux/arm64.*this is 3\.9"):
        install(first, into, signers=maker.signers, host=host)


def test_a_folder_that_may_not_be_written_to_is_told(first: Path, maker: Maker, into: Path) -> None:
    into.parent.mkdir()
    into.write_text("a file")

    with pytest.raises(OutputError, match="cannot be written to"):
        install(first, into, signers=maker.signers)


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    """In the place of docker: it keeps what it is given."""
    program = tmp_path / "engine"
    program.write_text(f'#!/bin/sh\necho "$1 $2" && cp "$5" {tmp_path}/loaded.tar\n')
    program.chmod(0o755)
    return program


def test_images_are_loaded_where_there_is_an_engine_and_said_where_there_is_none(
    maker: Maker, into: Path, tmp_path: Path, engine: Path
) -> None:
    made = maker.make("imaged", images=[str(image(tmp_path / "image.tar", "amd64"))])

    with pytest.raises(BadInput, match="--without-images"):
        install(made, into, signers=maker.signers, host=Host(engine=None))
    install(made, into, signers=maker.signers, host=Host(engine=str(engine)))

    with images.archives(tmp_path / "loaded.tar", "linux/amd64") as loaded:
        assert loaded.image.reference == "malgwi:1.0"


def test_containers_are_not_brought_up_of_a_bundle_that_has_none(
    first: Path, maker: Maker, into: Path
) -> None:
    with pytest.raises(BadInput, match=r"has no stack.*--compose compose\.yaml"):
        install(first, into, signers=maker.signers, wishes=Wishes(up=True))

    assert not into.exists()


def test_settings_by_which_other_images_would_be_used_are_refused_with_the_line_that_is_right(
    first: Path, tmp_path: Path
) -> None:
    deploy, settings = tmp_path / "releases" / "1" / "deploy", tmp_path / "settings"
    deploy.mkdir(parents=True)
    settings.mkdir()
    written = "#COMPOSE_FILE=compose.yaml\nCOMPOSE_FILE=compose.yaml:compose/tls.yaml\n"
    (settings / ".env").write_text(written)
    stack = Stack(files=("compose.yaml",), images={})
    manifest = bundles.inspect(first).model_copy(update={"stack": stack})

    with pytest.raises(BadInput, match=r"FILE=compose\.yaml:compose/tls\.yaml:bundled\.yaml"):
        Containers(deploy, "docker").settle(settings, manifest)

    assert (settings / ".env").read_text() == written


def test_settings_of_a_release_that_was_started_by_hand_are_not_hidden(
    first: Path, tmp_path: Path
) -> None:
    deploy, settings = tmp_path / "releases" / "1" / "deploy", tmp_path / "settings"
    deploy.mkdir(parents=True)
    for name in (".env", ".env.example"):
        (deploy / name).write_text("STACK_HTTP_PORT=80\n")
    stack = Stack(files=("compose.yaml",), images={})
    manifest = bundles.inspect(first).model_copy(update={"stack": stack})

    with pytest.raises(BadInput, match=r"Move it to .*settings/\.env"):
        Containers(deploy, "docker").settle(settings, manifest)

    assert (deploy / ".env").read_text() == "STACK_HTTP_PORT=80\n"


@pytest.fixture
def without_network() -> Iterator[None]:
    if subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode:
        pytest.skip("The network cannot be cut here.")
    yield


@pytest.mark.usefixtures("without_network")
def test_a_rehearsal_of_what_asks_nobody_passes(first: Path, maker: Maker) -> None:
    report = bundles.rehearse(first, signers=maker.signers)

    assert report.passed
    assert report.cut
    assert report.steps[1] == "Installed again: nothing to do."
    assert json.loads(report.text())["passed"] is True


def test_a_rehearsal_names_who_wanted_what_also_with_a_network(maker: Maker) -> None:
    bundle = maker.make("talks", program=PHONES_HOME)

    report = bundles.rehearse(bundle, signers=maker.signers, with_network=True)

    (attempt,) = report.attempts
    assert not report.passed
    assert not report.cut
    assert attempt.where == "telemetry.example.org:443"
    assert attempt.who.startswith("malgwi --version (malgwi/cli.py:")


@pytest.mark.usefixtures("without_network")
def test_a_rehearsal_counts_what_programs_without_the_guard_wanted(maker: Maker) -> None:
    bundle = maker.make("unseen", program=PHONES_HOME_UNSEEN)

    report = bundles.rehearse(bundle, signers=maker.signers)

    assert report.attempts == ()
    assert report.unnamed > 0
    assert not report.passed


def test_a_rehearsal_that_cannot_cut_the_network_is_none(
    first: Path, maker: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(BadOption, match="--with-network"):
        bundles.rehearse(first, signers=maker.signers)


@pytest.mark.model
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("without_network", "sample")
def test_a_bundle_of_this_checkout_transcribes_without_a_network(
    maker: Maker, models: Path, tmp_path: Path
) -> None:
    """Out of the bundle itself, with Python and nothing else."""
    order = maker.order(
        source=Path(__file__).parents[2],
        models_folder=models,
        models=["whisper-base", *(["sample"] if (models / "sample").is_dir() else [])],
        extras=("faster-whisper", "silero"),
    )
    target, into = tmp_path / "bundle", tmp_path / "into"
    try:
        bundles.create(target, order)
    except NetworkError as error:
        pytest.skip(f"No package index: {error}")
    python = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    command = [python, target / "malgwi-bundle", "install", target, "--into", into]

    done = subprocess.run(
        ["unshare", "-n", *map(str, command), "--signers", str(maker.signers)],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "whisper-base heard the canary rightly." in done.stdout
