"""A bundle is all that was asked for, signed, the same for the same input; a delta what is new."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ops.bundles import (
    BROKEN,
    MODEL,
    Maker,
    held,
    image,
    new_key,
)

from malgwi.errors import BadInput, BadOption, ModelMissing, NetworkRefused, OutputExists
from malgwi.ops import bundle as bundles
from malgwi.ops.bundle import images, wheels
from malgwi.ops.bundle.manifest import Manifest, is_safe
from malgwi.ops.digest import sha256_of

DOCS = Path(__file__).parents[2] / "docs"
pytestmark = pytest.mark.skipif(not find_spec("pip"), reason="without pip no bundle is made")


def test_a_bundle_has_the_package_the_model_and_what_git_knows_of_deploy_and_docs(
    whole: Path, maker: Maker
) -> None:
    found = bundles.verify(whole, maker.signers)

    manifest = held(whole)
    assert found == bundles.Verified(manifest, "malgwi", ())
    assert [(each.name, each.version) for each in manifest.wheels] == [("malgwi", "1.0")]
    assert [each.name for each in manifest.models] == [MODEL]
    names = {each.path: each.executable for each in manifest.files}
    assert names == {
        "deploy/compose.yaml": False,
        "deploy/start.sh": True,
        "docs/README.md": False,
        "requirements.lock": False,
    }
    parts = json.loads((whole / "sbom.cdx.json").read_text())["components"]
    assert [each["name"] for each in parts] == ["malgwi", MODEL]


def test_a_bundle_can_be_verified_without_us(whole: Path, maker: Maker) -> None:
    sums = subprocess.run(
        ["sha256sum", "--quiet", "--strict", "-c", "SHA256SUMS"], cwd=whole, check=False
    )
    verify = ["ssh-keygen", "-Y", "verify", "-n", "malgwi-bundle", "-I", "malgwi"]
    signature = subprocess.run(
        [*verify, "-f", str(maker.signers), "-s", "SHA256SUMS.sig"],
        cwd=whole,
        input=(whole / "SHA256SUMS").read_bytes(),
        capture_output=True,
        check=False,
    )

    assert (sums.returncode, signature.returncode) == (0, 0)


def test_the_manifest_is_what_the_document_says(whole: Path) -> None:
    schema = json.loads((DOCS / "reference" / "bundle.schema.json").read_text("utf-8"))

    assert schema == Manifest.model_json_schema()
    Draft202012Validator(schema).validate(json.loads((whole / "bundle.json").read_text("utf-8")))


@pytest.mark.slow
def test_the_same_input_gives_the_same_bundle_byte_by_byte(maker: Maker) -> None:
    order = maker.order(created=datetime(2026, 1, 1, tzinfo=UTC))

    for name in ("first.tar", "second.tar"):
        bundles.create(maker.folder / name, order)

    assert sha256_of(maker.folder / "first.tar") == sha256_of(maker.folder / "second.tar")


@pytest.mark.slow
def test_a_tar_and_its_parts_are_the_same_bundle(maker: Maker, whole: Path) -> None:
    parts = maker.make("parts.tar", part_size=1_000_000)

    names = sorted(each.name for each in parts.parent.glob("parts.tar*"))
    assert names == ["parts.tar.001", "parts.tar.002", "parts.tar.003", "parts.tar.SHA256SUMS"]
    for name in ("parts.tar", "parts.tar.002", "parts.tar.SHA256SUMS"):
        found = bundles.verify(maker.folder / name, maker.signers)
        assert found.faults == ()
        assert found.manifest.blobs == held(whole).blobs


@pytest.mark.slow
def test_a_delta_has_only_what_the_base_lacks(maker: Maker, whole: Path) -> None:
    delta = maker.make("delta", program=f"# new\n{BROKEN}", version="1.1", base=whole)

    manifest, before = held(delta), held(whole)
    assert manifest.held == {*manifest.blobs} - {*before.blobs}
    brought = sum(manifest.blobs[each] for each in manifest.held)
    assert brought < 0.01 * manifest.size
    assert bundles.verify(delta, maker.signers).faults == ()
    assert bundles.verify(delta, maker.signers, base=whole).faults == ()
    found = bundles.diff(before, manifest)
    assert found.changed == ("package malgwi: 1.0 -> 1.1",)
    assert found.new_bytes == brought


@pytest.mark.slow
def test_a_delta_on_another_base_is_not_whole(maker: Maker, whole: Path) -> None:
    other = maker.make("other", models=[])
    delta = maker.make("delta-of-whole", program=BROKEN, base=whole)

    (fault,) = bundles.verify(delta, maker.signers, base=other).faults

    assert fault.kind == "incomplete"
    assert "--base" in fault.said


@pytest.mark.slow
def test_an_image_comes_with_its_layers_and_its_packages(maker: Maker, tmp_path: Path) -> None:
    archive = image(tmp_path / "image.tar", "amd64")

    made = maker.make("with-image", images=[str(archive)])

    (found,) = held(made).images
    assert (found.reference, len(found.blobs)) == ("malgwi:1.0", 3)
    assert bundles.verify(made, maker.signers).faults == ()
    parts = json.loads((made / "sbom.cdx.json").read_text())["components"]
    assert parts[-1]["components"][0]["purl"] == "pkg:deb/debian/libc6@2.36-9"


@pytest.mark.slow
def test_images_that_a_compose_file_names_and_nobody_carries_are_told(
    maker: Maker, tmp_path: Path
) -> None:
    order = maker.order(images=[str(image(tmp_path / "image.tar", "amd64"))])
    services = "{a: {\n  image: ${A:-malgwi:1.0}\n}, b: {\n  image: redis:7.0\n}}"
    (order.source / "deploy" / "compose.yaml").write_text(f"services: {services}\n")
    target = maker.folder / "lacks"

    bundles.create(target, order)

    assert bundles.lacking(target) == ("redis:7.0",)


@pytest.mark.slow
def test_an_image_is_written_as_it_was_read(maker: Maker, tmp_path: Path) -> None:
    made = maker.make("image-again", images=[str(image(tmp_path / "image.tar", "amd64"))])
    (carried,) = held(made).images

    def blob(digest: str) -> Path:
        return made / "blobs" / "sha256" / digest

    images.write_archive(carried, lambda each: blob(each).read_bytes(), blob, tmp_path / "again")

    with images.archives(tmp_path / "again", "linux/amd64") as found:
        assert found.image == carried


@pytest.mark.parametrize("said", ["arm64", "amd64"])
def test_an_image_of_the_wrong_architecture_inside_is_refused(
    maker: Maker, tmp_path: Path, said: str
) -> None:
    archive = image(tmp_path / "image.tar", "arm64", said=said)

    with pytest.raises(BadInput, match=r"malgwi:1\.0 is for linux/arm64 inside"):
        maker.make("wrong", images=[str(archive)])

    assert not [each for each in maker.folder.iterdir() if "wrong" in each.name]


@pytest.mark.parametrize("name", ["malgwi:latest", "malgwi"])
def test_an_image_without_a_version_is_refused(maker: Maker, tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="with a version"):
        maker.make("nameless", images=[str(image(tmp_path / "i.tar", "amd64", name=name))])


def test_what_cannot_be_made_is_said_before_anything_is_fetched(
    maker: Maker, whole: Path, tmp_path: Path
) -> None:
    ecdsa = new_key(tmp_path / "ecdsa", "ecdsa")

    with pytest.raises(OutputExists):
        maker.make(whole.name)
    with pytest.raises(NetworkRefused, match="making a bundle needs the network"):
        maker.make("new", offline=True)
    with pytest.raises(ModelMissing):
        maker.make("new", models=["whisper-small"])
    with pytest.raises(BadOption, match="ed25519"):
        maker.make("new", key=ecdsa)
    with pytest.raises(BadOption, match="There is no key"):
        maker.make("new", key=tmp_path / "none")
    with pytest.raises(BadOption, match=r"call it .+new\.tar"):
        maker.make("new", part_size=4_000_000)
    with pytest.raises(BadOption, match="no checkout"):
        maker.make("new", source=tmp_path)
    with pytest.raises(BadInput, match="There is no bundle"):
        maker.make("new", base=tmp_path / "none")
    with pytest.raises(BadOption, match="nowhere"):
        maker.make("new", images=["nowhere:1.0"])

    assert not [each for each in maker.folder.iterdir() if "new" in each.name]


@pytest.mark.slow
def test_a_package_that_the_lock_does_not_have_is_refused(
    maker: Maker, tmp_path: Path, wheel_of_another: Path
) -> None:
    order = maker.order()
    own = wheels.own_wheel(order.source, tmp_path)
    (tmp_path / "got").mkdir()
    (tmp_path / "got" / wheel_of_another.name).write_bytes(wheel_of_another.read_bytes())

    with pytest.raises(BadInput, match="another"):
        wheels.fetch(
            own,
            order.source / "requirements.lock",
            tmp_path / "got",
            extras=(),
            platform="linux/amd64",
            glibc="2.28",
        )


@pytest.fixture
def wheel_of_another(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "another-1.0-py3-none-any.whl"
    path.write_bytes(b"anything")
    yield path


@pytest.mark.parametrize(
    ("file", "fits"),
    [
        ("numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl", True),
        ("numpy-2.4.6-cp311-cp311-manylinux_2_27_aarch64.whl", False),
        ("numpy-2.4.6-cp312-cp312-manylinux_2_27_x86_64.whl", False),
        ("av-18.1.0-cp310-abi3-manylinux_2_28_x86_64.whl", True),
        ("click-8.5.1-py3-none-any.whl", True),
        ("pywin32-1-cp311-cp311-win_amd64.whl", False),
    ],
)
def test_a_package_for_another_machine_is_known_by_its_name(file: str, fits: bool) -> None:
    assert wheels.fits(file, "linux/amd64", "3.11") is fits


def test_a_name_that_leads_out_is_known() -> None:
    assert is_safe("docs/README.md")
    assert is_safe("models/한국어.bin")
    for path in (
        "/etc/passwd",
        "../x",
        "a/../x",
        "a//b",
        "./a",
        "a/",
        "",
        "a\\b",
        "a\nb",
        "a\x1bb",
    ):
        assert not is_safe(path), path


@pytest.mark.slow
def test_the_command_makes_verifies_and_compares_bundles(maker: Maker) -> None:
    order = maker.order(version="3.0")
    target = maker.folder / "by-command"
    start = [sys.executable, "-c", "from malgwi.cli import main; main()", "bundle"]

    def ran(*arguments: object) -> tuple[int, str]:
        command = [*start, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    made = ran("create", target, "--source", order.source, "--extras", "", "--key", maker.key)
    assert made[0] == 0, made[1]
    assert maker.signers.read_text().strip() in made[1]
    assert ran("verify", target, "--signers", maker.signers)[0] == 0
    assert ran("verify", target)[0] == 2
    assert ran("inspect", target)[0] == 0
    assert "0.0 MB are new" in ran("diff", target, target)[1]
