"""Alembic runs this for each command; the connection, and the transaction, are `migration.py`'s."""

from alembic import context

from malgwi.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot change columns: the table is made anew
)
context.run_migrations()
