"""Everything is put together here, and only here."""
