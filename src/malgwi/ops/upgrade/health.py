"""Whether a database that was migrated works with this program."""

from contextlib import closing
from pathlib import Path

from malgwi.store import Ledger, Search, SqlStore

_WORD = "malgwi"


def check(url: str, data: Path) -> None:
    """Opens it as a service does, reads what was kept, searches. Raises what that raises."""
    with closing(SqlStore(url, data)) as store:
        for recording in store.recordings().items:
            for record in store.transcripts(recording.id):
                store.utterances(record.id)
        Search(store.database).find(_WORD)
        Ledger(store.database).counts()
