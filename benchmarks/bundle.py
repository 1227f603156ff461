"""How large a bundle and a delta are, and how long they take: `python -m benchmarks.bundle`.

Needs a package index and Whisper base. The delta is of a clone in which one line of code is other.
"""

import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import work
from malgwi.config import Config
from malgwi.ops import bundle

ROOT = Path(__file__).parents[1]


def main() -> None:
    result = {"kind": "bundle", **_measured()}
    path = work.save("bundle", result)
    print("\n".join(lines(result)), path, sep="\n\n")


def lines(result: dict[str, Any]) -> Iterator[str]:
    yield "| step | MB | s | CPU s |"
    yield "|---|---:|---:|---:|"
    for name, row in result["rows"].items():
        yield f"| {name} | {row['bytes'] / 1e6:.1f} | {row['wall']:.1f} | {row['cpu']:.1f} |"
    rows = result["rows"]
    verify, sums, delta = rows["verify"], rows["sha256sum -c"], rows["create, a delta"]
    speed = verify["bytes"] / 1e6 / verify["cpu"]
    yield ""
    yield (
        f"Verifying reads {speed:.0f} MB/s a core, {sums['cpu'] / verify['cpu']:.2f} times what "
        f"`sha256sum` reads. The delta has {delta['bytes'] / rows['create']['bytes']:.2%} of the "
        f"whole."
    )


def _measured() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clone = folder / "clone"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        rows = {}
        whole, delta, into = folder / "whole", folder / "delta", folder / "into"
        rows["create"] = _took(lambda: _create(whole, clone, None)) | {"bytes": _size(whole)}
        code = clone / "src" / "malgwi" / "__init__.py"
        code.write_text(code.read_text("utf-8") + "\nCHANGED = True\n", "utf-8")
        rows["create, a delta"] = _took(lambda: _create(delta, clone, whole))
        rows["create, a delta"]["bytes"] = _size(delta)
        rows["verify"] = _took(lambda: bundle.verify(whole, None)) | {"bytes": _size(whole)}
        rows["sha256sum -c"] = _took(lambda: _sha256sum(whole)) | {"bytes": _size(whole)}
        rows["install"] = _took(lambda: bundle.install(whole, into, signers=None))
        rows["install"]["bytes"] = _size(into)
        rows["install again"] = _took(lambda: bundle.install(whole, into, signers=None))
        rows["install again"]["bytes"] = 0
        rows["install the delta"] = _took(lambda: bundle.install(delta, into, signers=None))
        rows["install the delta"]["bytes"] = _size(delta)
    return {"rows": rows, "load": os.getloadavg()[0]}


def _create(target: Path, source: Path, base: Path | None) -> None:
    models = Config().models
    order = bundle.Order(source, models, models=["whisper-base", "sample"], base=base)
    bundle.create(target, order)


def _sha256sum(folder: Path) -> None:
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=folder, check=True)


def _took(do: Any) -> dict[str, float]:
    began, before = time.monotonic(), _cpu()
    do()
    return {"wall": time.monotonic() - began, "cpu": _cpu() - before}


def _cpu() -> float:
    of_all = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in of_all)


def _size(folder: Path) -> int:
    """Bytes on the disk; what has two names counts once."""
    found = {each.stat().st_ino: each.stat().st_size for each in folder.rglob("*") if _own(each)}
    return sum(found.values())


def _own(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


if __name__ == "__main__":
    main()
