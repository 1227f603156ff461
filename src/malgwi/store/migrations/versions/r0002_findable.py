"""An index of words over what is said, and all of it that is here already put into it."""

import sqlalchemy as sa
from alembic import op

from malgwi.store import findable

revision = "0002"
down_revision = "0001"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TERMS = sa.Text().with_variant(sa.dialects.postgresql.TSVECTOR(), "postgresql")

# `ascii` takes whatever is no ASCII as part of a term: we cut terms, FTS5 only keeps them. Nobody
# asks it for positions or lengths.
FTS5 = (
    """
    CREATE VIRTUAL TABLE findable_terms USING fts5(
        terms, content='findable', content_rowid='place', tokenize='ascii',
        detail=none, columnsize=0
    )
    """,
    """
    CREATE TRIGGER findable_added AFTER INSERT ON findable BEGIN
        INSERT INTO findable_terms (rowid, terms) VALUES (new.place, new.terms);
    END
    """,
    """
    CREATE TRIGGER findable_removed AFTER DELETE ON findable BEGIN
        INSERT INTO findable_terms (findable_terms, rowid, terms)
        VALUES ('delete', old.place, old.terms);
    END
    """,
)


def upgrade() -> None:
    op.create_table(
        "findable",
        sa.Column("place", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("row_id", ROW_ID, nullable=False),
        sa.Column("terms", TERMS, nullable=False),
        sa.ForeignKeyConstraint(
            ["row_id"],
            ["utterance.row_id"],
            name="fk_findable_row_id_utterance",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("place", name="pk_findable"),
        sa.UniqueConstraint("row_id", name="uq_findable_row_id"),
    )
    if op.get_context().dialect.name == "sqlite":
        for statement in FTS5:
            op.execute(statement)
    else:
        op.create_index("ix_findable_terms", "findable", ["terms"], postgresql_using="gin")
    findable.add_all(op.get_bind())


def downgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        op.execute("DROP TABLE findable_terms")
    op.drop_table("findable")
