"""The first tables: recordings, transcripts, jobs, and what is around them.

The types are written out, so that this stays what it was when the room's own types change.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True)
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

TABLES = (
    "api_key",
    "audit",
    "glossary",
    "job",
    "media",
    "meta",
    "recording",
    "upload",
    "webhook",
    "checkpoint",
    "delivery",
    "job_need",
    "recording_label",
    "recording_media",
    "transcript",
    "revision",
    "utterance",
)
"""Each after those that it refers to."""


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", ID, nullable=False),
        sa.Column("sha256", ID, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("expires", MOMENT),
        sa.Column("revoked", MOMENT),
        sa.Column("last_used", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("sha256", name="uq_api_key_sha256"),
    )
    op.create_table(
        "audit",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text()),
        sa.Column("action", ID, nullable=False),
        sa.Column("target", sa.Text()),
        sa.Column("details", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_target_id", "audit", ["target", "id"])
    op.create_table(
        "glossary",
        sa.Column("id", ID, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("author", sa.Text()),
        sa.PrimaryKeyConstraint("id", "revision", name="pk_glossary"),
    )
    op.create_table(
        "job",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", ID, nullable=False),
        sa.Column("lane", ID, nullable=False),
        sa.Column("queue", ID, nullable=False),
        sa.Column("priority", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("key", sa.Text()),
        sa.Column("state", ID, nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("max_attempts", sa.Integer(), server_default=sa.text("3"), nullable=False),
        sa.Column("lease_until", MOMENT),
        sa.Column("worker", sa.Text()),
        sa.Column("dispatched", MOMENT),
        sa.Column("progress", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("cancel_asked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("not_before", MOMENT),
        sa.Column("started", MOMENT),
        sa.Column("ended", MOMENT),
        sa.Column("recording_id", ID),
        sa.Column("owner", ID),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
        sa.UniqueConstraint("key", name="uq_job_key"),
    )
    op.create_index("ix_job_recording_id_id", "job", ["recording_id", "id"])
    op.create_index("ix_job_state_lease_until", "job", ["state", "lease_until"])
    op.create_index(
        "ix_job_state_dispatched_priority_id", "job", ["state", "dispatched", "priority", "id"]
    )
    op.create_index("ix_job_state_priority_id", "job", ["state", "priority", "id"])
    op.create_index("ix_job_state_queue_priority_id", "job", ["state", "queue", "priority", "id"])
    op.create_table(
        "media",
        sa.Column("sha256", ID, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("content_type", sa.Text()),
        sa.Column("stored", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_media"),
    )
    op.create_table(
        "meta",
        sa.Column("key", ID, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_meta"),
    )
    op.create_table(
        "recording",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.Text()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("started", MOMENT),
        sa.Column("duration", sa.Float()),
        sa.Column("channel_labels", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("source", ID, nullable=False),
        sa.Column("owner", ID),
        sa.Column("deleted", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_recording"),
        sa.UniqueConstraint("key", name="uq_recording_key"),
    )
    op.create_index("ix_recording_created", "recording", ["created"])
    op.create_index("ix_recording_started", "recording", ["started"])
    op.create_table(
        "upload",
        sa.Column("id", ID, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text()),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("expires", MOMENT, nullable=False),
        sa.Column("state", ID, nullable=False),
        sa.Column("sha256", ID),
        sa.Column("recording_id", ID),
        sa.Column("owner", ID),
        sa.PrimaryKeyConstraint("id", name="pk_upload"),
    )
    op.create_index("ix_upload_expires", "upload", ["expires"])
    op.create_table(
        "webhook",
        sa.Column("id", ID, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("owner", ID),
        sa.PrimaryKeyConstraint("id", name="pk_webhook"),
    )
    op.create_table(
        "checkpoint",
        sa.Column("job_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["job.id"], name="fk_checkpoint_job_id_job", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "name", name="pk_checkpoint"),
    )
    op.create_table(
        "delivery",
        sa.Column("id", ID, nullable=False),
        sa.Column("webhook_id", ID, nullable=False),
        sa.Column("event", ID, nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", ID, nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", MOMENT),
        sa.Column("last_error", sa.Text()),
        sa.ForeignKeyConstraint(
            ["webhook_id"],
            ["webhook.id"],
            name="fk_delivery_webhook_id_webhook",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
    )
    op.create_index("ix_delivery_state_next_at", "delivery", ["state", "next_at"])
    op.create_index("ix_delivery_webhook_id", "delivery", ["webhook_id"])
    op.create_table(
        "job_need",
        sa.Column("job_id", ID, nullable=False),
        sa.Column("needs_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["job.id"], name="fk_job_need_job_id_job", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["needs_id"], ["job.id"], name="fk_job_need_needs_id_job", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "needs_id", name="pk_job_need"),
    )
    op.create_index("ix_job_need_needs_id", "job_need", ["needs_id"])
    op.create_table(
        "recording_label",
        sa.Column("recording_id", ID, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["recording.id"],
            name="fk_recording_label_recording_id_recording",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("recording_id", "label", name="pk_recording_label"),
    )
    op.create_index(
        "ix_recording_label_label_recording_id", "recording_label", ["label", "recording_id"]
    )
    op.create_table(
        "recording_media",
        sa.Column("recording_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sha256", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("offset", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["recording.id"],
            name="fk_recording_media_recording_id_recording",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["sha256"], ["media.sha256"], name="fk_recording_media_sha256_media"
        ),
        sa.PrimaryKeyConstraint("recording_id", "position", name="pk_recording_media"),
    )
    op.create_index("ix_recording_media_sha256", "recording_media", ["sha256"])
    op.create_table(
        "transcript",
        sa.Column("id", ID, nullable=False),
        sa.Column("recording_id", ID, nullable=False),
        sa.Column("key", sa.Text()),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("sources", sa.Text(), nullable=False),
        sa.Column("duration", sa.Float(), nullable=False),
        sa.Column("channels", sa.Text(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("timings", sa.Text(), nullable=False),
        sa.Column("notices", sa.Text(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["recording.id"],
            name="fk_transcript_recording_id_recording",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_transcript"),
        sa.UniqueConstraint("key", name="uq_transcript_key"),
    )
    op.create_index("ix_transcript_recording_id_id", "transcript", ["recording_id", "id"])
    op.create_table(
        "revision",
        sa.Column("transcript_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("author", sa.Text()),
        sa.Column("note", sa.Text()),
        sa.Column("kind", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["transcript_id"],
            ["transcript.id"],
            name="fk_revision_transcript_id_transcript",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("transcript_id", "number", name="pk_revision"),
    )
    op.create_table(
        "utterance",
        sa.Column("row_id", ROW_ID, nullable=False),
        sa.Column("transcript_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("from_revision", sa.Integer(), nullable=False),
        sa.Column("until_revision", sa.Integer()),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Integer(), nullable=False),
        sa.Column("start", sa.Float(), nullable=False),
        sa.Column("end", sa.Float(), nullable=False),
        sa.Column("speaker", sa.Text()),
        sa.Column("language", ID, nullable=False),
        sa.Column("raw_text", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Float()),
        sa.Column("no_speech", sa.Float()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("level", sa.Float()),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("suppressed", sa.Text()),
        sa.Column("duplicate_of", ID),
        sa.ForeignKeyConstraint(
            ["transcript_id"],
            ["transcript.id"],
            name="fk_utterance_transcript_id_transcript",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("row_id", name="pk_utterance"),
        sa.UniqueConstraint(
            "transcript_id",
            "id",
            "from_revision",
            name="uq_utterance_transcript_id_id_from_revision",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_utterance_transcript_id_until_revision_position",
        "utterance",
        ["transcript_id", "until_revision", "position"],
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
