import subprocess
import sys
from pathlib import Path

import pytest
from ordinary_user import as_an_ordinary_user

from malgwi.errors import OutputError
from malgwi.gateway.spool_folder import SpoolFolder

CHILD = """
import sys
from pathlib import Path
from malgwi.gateway.spool_folder import SpoolFolder
folder = SpoolFolder(Path(sys.argv[1]))
(folder.path / "upload").write_bytes(b"sound")
print(folder.path, flush=True)
sys.stdin.read()
"""


def child(parent: Path) -> tuple[subprocess.Popen[str], Path]:
    """Another process that has a file in its folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    return process, Path(process.stdout.readline().strip())


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_what_a_killed_process_left_is_removed_at_the_next_start(tmp_path: Path) -> None:
    process, left = child(tmp_path)
    end(process)
    assert (left / "upload").exists()

    SpoolFolder(tmp_path).close()

    assert list(tmp_path.iterdir()) == []


def test_what_a_living_process_has_is_left_alone(tmp_path: Path) -> None:
    process, used = child(tmp_path)

    SpoolFolder(tmp_path).close()

    assert (used / "upload").exists()
    end(process)


def test_the_folder_is_gone_when_it_is_closed(tmp_path: Path) -> None:
    folder = SpoolFolder(tmp_path / "new" / "spool")
    (folder.path / "upload").write_bytes(b"sound")

    folder.close()

    assert list((tmp_path / "new" / "spool").iterdir()) == []


def test_a_folder_from_which_everybody_could_take_files_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)

    with pytest.raises(OutputError, match="everybody could take"):
        SpoolFolder(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)

    with as_an_ordinary_user(), pytest.raises(OutputError, match="MALGWI_ENGINE__SPOOL"):
        SpoolFolder(tmp_path)


def test_a_link_that_another_user_put_there_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "process-x").mkdir()
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / "process-x" / "lock").symlink_to(precious)

    SpoolFolder(tmp_path).close()

    assert precious.read_text() == "mine"
