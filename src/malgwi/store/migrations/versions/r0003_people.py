"""Who may sign in, and who is signed in."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "user_account",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded", ID, nullable=False),
        sa.Column("role", ID, nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("disabled", MOMENT),
        sa.Column("last_signed_in", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_user_account"),
        sa.UniqueConstraint("folded", name="uq_user_account_folded"),
    )
    op.create_table(
        "session",
        sa.Column("sha256", ID, nullable=False),
        sa.Column("user_id", ID),
        sa.Column("key_id", ID),
        sa.Column("proof", ID),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("expires", MOMENT, nullable=False),
        sa.Column("last_seen", MOMENT, nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name="fk_session_user_id_user_account",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["key_id"], ["api_key.id"], name="fk_session_key_id_api_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sha256", name="pk_session"),
    )
    op.create_index("ix_session_user_id", "session", ["user_id"])
    op.create_index("ix_session_key_id", "session", ["key_id"])
    op.create_index("ix_session_expires", "session", ["expires"])


def downgrade() -> None:
    op.drop_table("session")
    op.drop_table("user_account")
