"""A bundle that is not what somebody known has signed is refused, with a sentence, and whole."""

import io
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from ops.bundles import (
    Maker,
    a_blob,
    added_blob,
    changed_manifest,
    flip,
    held,
    image,
    new_key,
    new_signers,
    resigned,
)

from malgwi.errors import BadInput, BadOption
from malgwi.ops import bundle as bundles
from malgwi.ops.bundle import shelves, signers_line
from malgwi.ops.bundle.images import archives
from malgwi.ops.bundle.manifest import blob_name
from malgwi.ops.digest import sha256_of, sums_text

pytestmark = pytest.mark.skipif(not find_spec("pip"), reason="without pip no bundle is made")


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """To be tampered with."""
    return shutil.copytree(whole, tmp_path / "copy")


def refusal(bundle: Path, signers: Path) -> str:
    """Why it is not installed; nothing is there afterwards."""
    into = bundle.parent / "into"
    with pytest.raises(BadInput) as raised:
        bundles.install(bundle, into, signers=signers)
    assert not into.exists()
    return str(raised.value)


def kinds(bundle: Path, signers: Path) -> set[str]:
    return {each.kind for each in bundles.verify(bundle, signers).faults}


def test_a_flipped_byte_in_a_blob_is_found(copy: Path, maker: Maker) -> None:
    flip(a_blob(copy))

    assert kinds(copy, maker.signers) == {"corrupt"}
    assert "is not what it was" in refusal(copy, maker.signers)


def test_a_flipped_byte_in_the_manifest_is_found(copy: Path, maker: Maker) -> None:
    flip(copy / "bundle.json", 100)

    assert refusal(copy, maker.signers).startswith("bundle.json is not what it was.")


def test_a_flipped_byte_in_the_sums_is_found_by_the_signature(copy: Path, maker: Maker) -> None:
    flip(copy / "SHA256SUMS", 0)

    assert "signature of the bundle is not of these sums" in refusal(copy, maker.signers)


def test_a_flipped_byte_in_the_signature_is_found(copy: Path, maker: Maker) -> None:
    flip(copy / "SHA256SUMS.sig", 200)

    assert refusal(copy, maker.signers)


def test_a_missing_blob_is_found(copy: Path, maker: Maker) -> None:
    name = a_blob(copy).name
    a_blob(copy).unlink()

    assert kinds(copy, maker.signers) == {"missing"}
    assert refusal(copy, maker.signers).startswith(f"{blob_name(name)} is missing.")


@pytest.mark.parametrize("listed", [False, True])
def test_a_blob_that_does_not_belong_to_it_is_found(copy: Path, maker: Maker, listed: bool) -> None:
    added_blob(copy, b"something more")
    if listed:
        resigned(copy, maker.key)

    assert kinds(copy, maker.signers) == {"extra"}
    assert "does not belong to it" in refusal(copy, maker.signers)


@pytest.mark.parametrize("listed", [False, True])
def test_two_blobs_that_were_swapped_are_found(copy: Path, maker: Maker, listed: bool) -> None:
    one, other, *_ = sorted((copy / "blobs" / "sha256").iterdir())
    between = copy / "between"
    one.rename(between)
    other.rename(one)
    between.rename(other)
    if listed:
        resigned(copy, maker.key)

    assert kinds(copy, maker.signers) == {"corrupt"}
    assert refusal(copy, maker.signers)


def test_the_signature_of_another_is_refused(copy: Path, maker: Maker, tmp_path: Path) -> None:
    resigned(copy, new_key(tmp_path / "another"))

    assert f"{maker.signers} does not name" in refusal(copy, maker.signers)


def test_a_signature_for_another_purpose_is_refused(
    copy: Path, maker: Maker, tmp_path: Path
) -> None:
    line = signers_line(maker.key).replace("malgwi-bundle", "git")
    assert refusal(copy, new_signers(tmp_path / "signers", line))


def test_what_nobody_signed_is_refused_unless_it_is_said_that_it_may_be(
    copy: Path, maker: Maker
) -> None:
    (copy / "SHA256SUMS.sig").unlink()

    assert "is not signed" in refusal(copy, maker.signers)
    found = bundles.verify(copy, None)
    assert (found.signer, found.faults) == (None, ())


def test_a_key_that_has_ended_is_refused(copy: Path, maker: Maker, tmp_path: Path) -> None:
    line = signers_line(maker.key).replace(" ssh-", ',valid-before="20200101" ssh-')

    assert "not valid at this time" in refusal(copy, new_signers(tmp_path / "signers", line))


def test_without_a_list_of_those_to_believe_nothing_is_believed(copy: Path) -> None:
    with pytest.raises(BadOption, match="There is no file"):
        bundles.verify(copy, copy / "signers")


@pytest.fixture
def parts(whole: Path, tmp_path: Path) -> Path:
    shelves.pack_in_parts(whole, tmp_path / "b.tar", 1_000_000)
    return tmp_path / "b.tar"


def test_a_part_that_was_cut_off_is_named(parts: Path, maker: Maker) -> None:
    part = parts.with_name("b.tar.002")
    part.write_bytes(part.read_bytes()[:-100])

    assert refusal(parts, maker.signers).startswith("b.tar.002 is not what it was: it is damaged")


def test_a_part_that_is_missing_is_named(parts: Path, maker: Maker) -> None:
    parts.with_name("b.tar.002").unlink()

    assert refusal(parts, maker.signers) == "b.tar.002 is missing: part 2 of 3."


def test_parts_in_the_wrong_order_are_named(parts: Path, maker: Maker) -> None:
    first, second = parts.with_name("b.tar.001"), parts.with_name("b.tar.002")
    first.rename(parts)
    second.rename(first)
    parts.rename(second)

    assert refusal(parts, maker.signers).startswith("b.tar.001 is not what it was: it is b.tar.002")


def test_parts_of_two_bundles_do_not_make_one(parts: Path, maker: Maker, tmp_path: Path) -> None:
    """Somebody who can write sums cannot write the signature of what is within."""
    flip(parts.with_name("b.tar.002"), 500_000)
    listing = parts.with_name("b.tar.SHA256SUMS")
    names = sorted(each.name for each in tmp_path.glob("b.tar.0*"))
    listing.write_text(sums_text({each: sha256_of(tmp_path / each) for each in names}))

    assert "is not what it was" in refusal(parts, maker.signers)


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "docs/../../evil", "a\\..\\evil"])
def test_a_name_that_leads_out_of_the_tar_is_refused(
    whole: Path, maker: Maker, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "b.tar"
    shelves.pack(whole, path)
    with tarfile.open(path, "a:") as file:
        file.addfile(tarfile.TarInfo(name), io.BytesIO())

    assert "leads out of it" in refusal(path, maker.signers)
    assert not (tmp_path.parent / "evil").exists()


@pytest.mark.parametrize("path", ["../../evil", "/etc/cron.d/evil", "a/./b", "x\x1b[2J"])
def test_a_name_that_leads_out_of_the_release_is_refused_whoever_signed_it(
    copy: Path, maker: Maker, path: str
) -> None:
    def change(content: dict[str, Any]) -> None:
        content["files"][0]["path"] = path

    changed_manifest(copy, maker.key, change)

    assert "bundle.json is damaged" in refusal(copy, maker.signers)


def test_a_link_in_a_folder_is_refused(copy: Path, maker: Maker) -> None:
    blob = a_blob(copy)
    blob.rename(copy.parent / "elsewhere")
    blob.symlink_to(copy.parent / "elsewhere")

    assert "a link or no plain file" in refusal(copy, maker.signers)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, b"S"])
def test_a_link_in_a_tar_is_refused(whole: Path, maker: Maker, tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "b.tar"
    shelves.pack(whole, path)
    member = tarfile.TarInfo("blobs/sha256/link")
    member.type, member.linkname = kind, "/etc/passwd"
    with tarfile.open(path, "a:") as file:
        file.addfile(member)

    assert "a link or no plain file" in refusal(path, maker.signers)


def test_two_files_of_one_name_are_refused(whole: Path, maker: Maker, tmp_path: Path) -> None:
    path = tmp_path / "b.tar"
    shelves.pack(whole, path)
    with tarfile.open(path, "a:") as file:
        file.add(whole / "bundle.json", "bundle.json")

    assert "two files of one name" in refusal(path, maker.signers)


def test_a_bundle_of_a_newer_program_is_refused(copy: Path, maker: Maker) -> None:
    def change(content: dict[str, Any]) -> None:
        content["format"] = 2
        content["something"] = "new"

    changed_manifest(copy, maker.key, change)

    assert "of a newer Malgwi" in refusal(copy, maker.signers)


def bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("malgwi-1.0.dist-info/METADATA", "Name: malgwi\nVersion: 1.0\n")
        with file.open("zeros", "w", force_zip64=True) as zeros:
            for _ in range(100):
                zeros.write(bytes(1_000_000))
    return packed.getvalue()


def with_wheel(copy: Path, maker: Maker, content: bytes) -> None:
    """In the place of our own, by somebody who may sign."""
    (wheel,) = held(copy).wheels
    (copy / blob_name(wheel.digest)).unlink()
    digest = added_blob(copy, content)

    def change(manifest: dict[str, Any]) -> None:
        manifest["wheels"][0]["digest"] = digest
        del manifest["blobs"][wheel.digest]
        manifest["blobs"][digest] = len(content)

    changed_manifest(copy, maker.key, change)


def test_a_package_that_would_swell_is_refused(copy: Path, maker: Maker) -> None:
    with_wheel(copy, maker, bomb())

    assert "would swell" in refusal(copy, maker.signers)


def test_a_package_with_a_name_that_leads_out_is_refused(copy: Path, maker: Maker) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("../../evil.py", "")

    with_wheel(copy, maker, packed.getvalue())

    assert "leads out of it" in refusal(copy, maker.signers)


def test_a_tar_that_is_packed_is_not_unpacked(whole: Path, maker: Maker, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "b.tar", "w:gz") as file:
        file.add(whole, ".")

    assert "not packed" in refusal(tmp_path / "b.tar", maker.signers)


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it["blobs"].clear(),
        lambda it: it.update(extra=1),
        lambda it: it["wheels"][0].update(file="../x.whl"),
        lambda it: it.update(platform="windows/amd64"),
        lambda it: it["absent"].append("0" * 64),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused_whoever_signed_it(
    copy: Path, maker: Maker, change: Callable[[dict[str, Any]], None]
) -> None:
    changed_manifest(copy, maker.key, change)

    assert "bundle.json is damaged" in refusal(copy, maker.signers)


def test_a_list_of_parts_that_lacks_one_is_found(copy: Path, maker: Maker) -> None:
    (copy / "sbom.cdx.json").write_text('{"components": []}')
    resigned(copy, maker.key)

    assert kinds(copy, maker.signers) == {"incomplete"}


@pytest.mark.slow
def test_an_image_that_was_exchanged_for_one_of_another_architecture_is_found(
    maker: Maker, tmp_path: Path
) -> None:
    made = maker.make("image", images=[str(image(tmp_path / "amd64.tar", "amd64"))])
    arm64 = image(tmp_path / "arm64.tar", "arm64")
    with archives(arm64, "linux/arm64") as archive:
        other = {digest: archive.open(digest).read() for digest in archive.blobs}
        carried = archive.image

    def change(content: dict[str, Any]) -> None:
        old = content["images"][0]["blobs"]
        for digest in set(old) - set(other):
            del content["blobs"][digest]
            (made / blob_name(digest)).unlink()
        content["images"] = [carried.model_dump(mode="json")]
        content["blobs"].update({digest: len(it) for digest, it in other.items()})

    for each in other.values():
        added_blob(made, each)
    changed_manifest(made, maker.key, change)

    assert "architecture" in kinds(made, maker.signers)
    assert "linux/arm64 inside" in refusal(made, maker.signers)
