"""A backup of all that is kept, and back: the database, then its media, then the settings.

It is of one moment, also while the service goes on, and of no kind of database: one that was made
of SQLite can be restored into PostgreSQL, and the other way round. It has its name only when it is
whole. It is restored into an empty place only, compared with what it was; the last step is the one
by which the program starts at all, so that nothing half restored is ever taken for whole.

    database/TABLE.jsonl.gz    a line a row
    media/ab/cd/SHA256         as in the folder of the data
    settings.env               as far as they are no secrets
    manifest.json              what it is of, and how much
    SHA256SUMS                 of all of these
"""

from malgwi.ops.backup.creation import create
from malgwi.ops.backup.manifest import Manifest
from malgwi.ops.backup.restoration import Restored, bring_back, newer, restore
from malgwi.ops.backup.settings import Settings, settings_of
from malgwi.ops.backup.verification import Verified, verify

__all__ = [
    "Manifest",
    "Restored",
    "Settings",
    "Verified",
    "bring_back",
    "create",
    "newer",
    "restore",
    "settings_of",
    "verify",
]
