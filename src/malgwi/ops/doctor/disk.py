"""DISK: room, rights and kind of the disks on which things are kept."""

import os
import re
from pathlib import Path

from malgwi.config import data_folder
from malgwi.errors import EngineMissing
from malgwi.ops.doctor.base import Found, check, fail, ok, size, skip, warn
from malgwi.ops.doctor.database import file_of
from malgwi.ops.doctor.machine import Machine, nearest
from malgwi.ops.doctor.subject import Subject

_LOW = 10_000_000_000
_LOW_PART = 0.05
_SYSTEM = 5_000_000_000
_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "glusterfs", "ceph")
_VOLATILE = ("tmpfs", "ramfs", "overlay")


@check(
    "DISK-001",
    looks="Is there room for recordings?",
    why="Below one gibibyte no upload is taken, so that the database has room to say so.",
    mend="Make room: delete recordings that are not needed, or move MALGWI_STORE__DATA.",
)
def room(subject: Subject) -> Found:
    try:
        from malgwi.store import RESERVE
    except ModuleNotFoundError as error:
        return skip(str(EngineMissing("serve", error.name)))
    folder = data_folder(subject.config)
    disk = subject.machine.disk(folder)
    said = f"{size(disk.free)} free of {size(disk.total)} at {folder}"
    if disk.free < RESERVE:
        return fail("The disk of the recordings is full.", evidence=said)
    if disk.free < min(_LOW, disk.total * _LOW_PART):
        return warn("There is little room left for recordings.", evidence=said)
    return ok(f"{said}.")


@check(
    "DISK-002",
    looks="Is there room for as many files as will come?",
    why="A disk without free inodes is full, whatever it says of its bytes.",
    mend="Delete small files that are not needed, or use a disk with more inodes.",
)
def files(subject: Subject) -> Found:
    disk = subject.machine.disk(data_folder(subject.config))
    if not disk.files:
        return skip("This kind of disk does not count them.")
    part = disk.files_free / disk.files
    if part < _LOW_PART:
        state = fail if disk.files_free < 1000 else warn
        return state(
            "The disk has few free inodes.", evidence=f"{disk.files_free:,} of {disk.files:,}"
        )
    return ok(f"{part:.0%} of the inodes are free.")


@check(
    "DISK-003",
    looks="Is there room for an upload of the largest size?",
    why="Uploads lie in the spool while they are received; where it is full they break off.",
    mend="Make room, or set MALGWI_ENGINE__SPOOL to a larger disk or MALGWI_ENGINE__UPLOAD_BYTES "
    "lower.",
)
def spool(subject: Subject) -> Found:
    settings = subject.config.engine
    folder = settings.spool or subject.config.home / "spool"
    free = subject.machine.disk(folder).free
    said = f"{size(free)} free at {folder}, an upload may have {size(settings.upload_bytes)}"
    if free < settings.upload_bytes:
        return warn("The largest upload would not fit into the spool.", evidence=said)
    return ok(f"{said}.")


@check(
    "DISK-004",
    looks="May the folders be written to?",
    why="Where the service cannot write it takes no recordings; a volume is often root's.",
    mend="Give them to the user of the service: chown -R UID FOLDER. In a container check user: "
    "and read_only.",
)
def writable(subject: Subject) -> Found:
    config = subject.config
    folders = dict.fromkeys((config.home, data_folder(config), config.engine.spool))
    wrong = [str(each) for each in folders if each and not _may_write(each)]
    if wrong:
        return fail("A folder cannot be written to.", evidence=", ".join(wrong))
    return ok("All of them can be written to.")


@check(
    "DISK-005",
    looks="Is what is kept on a disk that stays?",
    why="What lies in a container or in memory is gone with it.",
    mend="Mount a volume at the folder of the data, and name it in MALGWI_STORE__DATA.",
)
def lasting(subject: Subject) -> Found:
    folder = data_folder(subject.config)
    kind = _file_system(subject.machine, folder)
    if kind is None:
        return skip("What kind of disk it is, is not known here.")
    if kind in _VOLATILE:
        return warn("What is kept would be gone with a restart.", evidence=f"{folder} is on {kind}")
    return ok(f"{folder} is on {kind}.")


@check(
    "DISK-006",
    looks="Is the database file on a disk of this machine?",
    why="SQLite's locks do not hold on NFS and SMB: two who write at once damage the file.",
    mend="Put the data on a local disk, or use PostgreSQL: MALGWI_STORE__URL.",
)
def local(subject: Subject) -> Found:
    file = file_of(subject)
    if file is None:
        return skip("The database is no file.")
    kind = _file_system(subject.machine, file.parent)
    if kind is None:
        return skip("What kind of disk it is, is not known here.")
    if kind in _NETWORK:
        return fail("The database file is on a network disk.", evidence=f"{file} is on {kind}")
    return ok(f"It is on {kind}.")


@check(
    "DISK-007",
    looks="Is there room on the disk of the system?",
    why="Logs and temporary files go there; where it is full, programs fail in odd ways.",
    mend="Make room: journalctl --vacuum-size=500M, docker image prune, apt-get clean.",
)
def root(subject: Subject) -> Found:
    disk = subject.machine.disk(subject.machine.root)
    said = f"{size(disk.free)} free of {size(disk.total)}"
    if disk.free < min(_SYSTEM, disk.total * _LOW_PART):
        return warn("The disk of the system is nearly full.", evidence=said)
    return ok(f"{said}.")


def _may_write(folder: Path) -> bool:
    """Or make it, where it is not there yet."""
    folder = nearest(folder)
    as_who_runs = os.access in os.supports_effective_ids
    may = os.access(folder, os.W_OK | os.X_OK, effective_ids=as_who_runs)
    return may and folder.is_dir()


def _file_system(machine: Machine, folder: Path) -> str | None:
    """Of the disk that is mounted nearest above the folder."""
    mounts = machine.text("/proc/mounts")
    if mounts is None:
        return None
    place, best = folder.absolute().resolve(), (0, "")
    for line in mounts.splitlines():
        _, mounted, kind, *_ = line.split(" ")
        at = Path(re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), mounted))
        if place.is_relative_to(at) and len(at.parts) >= best[0]:
            best = len(at.parts), kind
    return best[1] or None


CHECKS = (room, files, spool, writable, lasting, local, root)
