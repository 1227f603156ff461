"""What is kept, brought to a new program: look, back up, migrate, see that it works, or go back.

Whatever fails or is killed on the way leaves the database of before or that of after, never one in
between. What was migrated and does not work is put back as it was. Running it again goes on.

    preflight    what would be done, and what stands against it
    upgrading    doing it, and going back
    health       whether what was migrated works
    journal      how far it got: data/upgrades/journal.json, beside the backups
"""

from malgwi.ops.upgrade.preflight import Plan, planned
from malgwi.ops.upgrade.upgrading import KEEP, GoneBack, Upgraded, backups_of, go_back, upgrade

__all__ = ["KEEP", "GoneBack", "Plan", "Upgraded", "backups_of", "go_back", "planned", "upgrade"]
