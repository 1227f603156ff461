"""The tables. `migrations/` makes them; a test holds the two to each other.

Whoever adds one adds a migration, never changes one that is out. Nothing in here is about how
they are read: each module of the room has its own questions.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)

from malgwi.store.columns import Id, Moment, RowId, Short, Structure, Written

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

meta = Table(
    "meta",  # what the database says about itself: whose it is
    metadata,
    Column("key", Id, primary_key=True),
    Column("value", Written, nullable=False),
)

# -- recordings and their media

recording = Table(
    "recording",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", Short, unique=True),  # idempotency key: a second one of this key is the first
    Column("name", Written, nullable=False),
    Column("created", Moment, nullable=False),
    Column("started", Moment),  # the wall clock at its first sample
    Column("duration", Float),  # seconds; unknown until somebody has read it
    Column("channel_labels", Structure, nullable=False),  # list of texts
    Column("metadata", Structure, nullable=False),  # text to text
    Column("source", Id, nullable=False),  # upload, watch, reference
    Column("owner", Id),  # of an API key
    Column("deleted", Moment),
    Index(None, "created"),
    Index(None, "started"),
)

recording_label = Table(
    "recording_label",
    metadata,
    Column("recording_id", Id, ForeignKey("recording.id", ondelete="CASCADE"), nullable=False),
    Column("label", Short, nullable=False),
    PrimaryKeyConstraint("recording_id", "label"),
    Index(None, "label", "recording_id"),
)

media = Table(
    "media",
    metadata,
    Column("sha256", Id, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("content_type", Written),
    Column("stored", Moment, nullable=False),  # last, where the same came several times
)

recording_media = Table(
    "recording_media",
    metadata,
    Column("recording_id", Id, ForeignKey("recording.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("sha256", Id, ForeignKey("media.sha256"), nullable=False),
    Column("name", Written, nullable=False),  # as it was called where it came from; never a path
    Column("offset", Float, nullable=False),  # seconds after the start of the recording
    PrimaryKeyConstraint("recording_id", "position"),
    Index(None, "sha256"),
)

upload = Table(
    "upload",  # under way, piece by piece
    metadata,
    Column("id", Id, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False, server_default=text("0")),
    Column("name", Written, nullable=False),
    Column("content_type", Written),
    Column("metadata", Structure, nullable=False),
    Column("created", Moment, nullable=False),
    Column("expires", Moment, nullable=False),
    Column("state", Id, nullable=False),
    Column("sha256", Id),  # when it is whole
    Column("recording_id", Id),
    Column("owner", Id),
    Index(None, "expires"),
)

# -- transcripts by revision

transcript = Table(
    "transcript",
    metadata,
    Column("id", Id, primary_key=True),
    Column("recording_id", Id, ForeignKey("recording.id", ondelete="CASCADE"), nullable=False),
    Column("key", Short, unique=True),  # idempotency key, as the id of the job that made it
    Column("created", Moment, nullable=False),
    Column("sources", Structure, nullable=False),
    Column("duration", Float, nullable=False),
    Column("channels", Structure, nullable=False),
    Column("engine", Structure, nullable=False),
    Column("timings", Structure, nullable=False),
    Column("notices", Structure, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),  # the current one
    Index(None, "recording_id", "id"),
)

revision = Table(
    "revision",
    metadata,
    Column("transcript_id", Id, ForeignKey("transcript.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),  # from 1
    Column("created", Moment, nullable=False),
    Column("author", Written),
    Column("note", Written),
    Column("kind", Id, nullable=False),  # recognised, correction, glossary, undo
    PrimaryKeyConstraint("transcript_id", "number"),
)

utterance = Table(
    "utterance",  # as it is from one revision until another
    metadata,
    Column("row_id", RowId, primary_key=True, autoincrement=True),  # for indexes of words
    Column("transcript_id", Id, ForeignKey("transcript.id", ondelete="CASCADE"), nullable=False),
    Column("id", Id, nullable=False),
    Column("from_revision", Integer, nullable=False),
    Column("until_revision", Integer),  # the first in which it is not; NULL while it is current
    Column("position", Integer, nullable=False),  # in the transcript, from 0, by time
    Column("channel", Integer, nullable=False),
    Column("start", Float, nullable=False),
    Column("end", Float, nullable=False),
    Column("speaker", Written),
    Column("language", Id, nullable=False),
    Column("raw_text", Written, nullable=False),
    Column("text", Written, nullable=False),
    Column("words", Structure, nullable=False),  # lists of text, start, end, confidence
    Column("confidence", Float),
    Column("no_speech", Float),
    Column("attempts", Integer, nullable=False),
    Column("level", Float),
    Column("changes", Structure, nullable=False),
    Column("suppressed", Written),
    Column("duplicate_of", Id),
    UniqueConstraint("transcript_id", "id", "from_revision"),
    Index(None, "transcript_id", "until_revision", "position"),
    sqlite_autoincrement=True,
)

note = Table(
    "note",  # what somebody wrote at a place of a recording; without text it marks the place
    metadata,
    Column("id", Id, primary_key=True),
    Column("recording_id", Id, ForeignKey("recording.id", ondelete="CASCADE"), nullable=False),
    Column("at", Float, nullable=False),  # seconds of the recording
    Column("until", Float),
    Column("channel", Integer),
    Column("text", Written, nullable=False),
    Column("author", Written),
    Column("created", Moment, nullable=False),
    Column("changed", Moment),
    Index(None, "recording_id", "at", "id"),
)

# -- work for later

job = Table(
    "job",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", Id, nullable=False),
    Column("lane", Id, nullable=False),
    Column("queue", Id, nullable=False),
    Column("priority", Integer, nullable=False, server_default=text("0")),  # 0 first
    Column("payload", Structure, nullable=False),
    Column("key", Short, unique=True),
    Column("state", Id, nullable=False),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("max_attempts", Integer, nullable=False, server_default=text("3")),
    Column("lease_until", Moment),
    Column("worker", Written),
    Column("dispatched", Moment),
    Column("progress", Structure),
    Column("error", Written),
    Column("cancel_asked", Boolean, nullable=False, server_default=text("false")),
    Column("created", Moment, nullable=False),
    Column("not_before", Moment),
    Column("started", Moment),
    Column("ended", Moment),
    # No foreign keys: what was done is remembered longer than what it was done to.
    Column("recording_id", Id),
    Column("owner", Id),
    Index(None, "state", "priority", "id"),  # what is next in any of several queues
    Index(None, "state", "dispatched", "priority", "id"),  # what is to be sent
    Index(None, "state", "queue", "priority", "id"),
    Index(None, "state", "lease_until"),
    Index(None, "recording_id", "id"),
)

job_need = Table(
    "job_need",
    metadata,
    Column("job_id", Id, ForeignKey("job.id", ondelete="CASCADE"), nullable=False),
    Column("needs_id", Id, ForeignKey("job.id", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("job_id", "needs_id"),
    Index(None, "needs_id"),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("job_id", Id, ForeignKey("job.id", ondelete="CASCADE"), nullable=False),
    Column("name", Short, nullable=False),
    Column("data", Structure, nullable=False),
    Column("created", Moment, nullable=False),
    PrimaryKeyConstraint("job_id", "name"),
)

# -- around it

glossary = Table(
    "glossary",
    metadata,
    Column("id", Id, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("name", Written, nullable=False),
    Column("content", Written, nullable=False),
    Column("created", Moment, nullable=False),
    Column("author", Written),
    PrimaryKeyConstraint("id", "revision"),
)

webhook = Table(
    "webhook",
    metadata,
    Column("id", Id, primary_key=True),
    Column("url", Written, nullable=False),
    Column("secret", Written, nullable=False),
    Column("events", Structure, nullable=False),
    Column("created", Moment, nullable=False),
    Column("owner", Id),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", Id, primary_key=True),
    Column("webhook_id", Id, ForeignKey("webhook.id", ondelete="CASCADE"), nullable=False),
    Column("event", Id, nullable=False),
    Column("payload", Structure, nullable=False),
    Column("state", Id, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_at", Moment),
    Column("last_error", Written),
    Index(None, "state", "next_at"),
    Index(None, "webhook_id"),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Written, nullable=False),
    Column("role", Id, nullable=False),  # admin, editor, viewer
    Column("sha256", Id, nullable=False, unique=True),
    Column("created", Moment, nullable=False),
    Column("expires", Moment),
    Column("revoked", Moment),
    Column("last_used", Moment),
)

user_account = Table(
    "user_account",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Written, nullable=False),  # as it was written
    Column("folded", Id, nullable=False, unique=True),  # as it is compared: NFC, without case
    Column("role", Id, nullable=False),  # admin, editor, viewer
    Column("password", Written, nullable=False),  # argon2id, with its parameters and salt
    Column("created", Moment, nullable=False),
    Column("disabled", Moment),
    Column("last_signed_in", Moment),
)

session = Table(
    "session",  # of a user, of a key, or of a key of the settings, which is in no table
    metadata,
    Column("sha256", Id, primary_key=True),  # of its token, which only the browser has
    Column("user_id", Id, ForeignKey("user_account.id", ondelete="CASCADE")),
    Column("key_id", Id, ForeignKey("api_key.id", ondelete="CASCADE")),
    Column("proof", Id),  # by token and key, that it is of this key of the settings
    Column("created", Moment, nullable=False),
    Column("expires", Moment, nullable=False),
    Column("last_seen", Moment, nullable=False),
    Column("agent", Written, nullable=False),  # what the browser called itself
    Index(None, "user_id"),
    Index(None, "key_id"),
    Index(None, "expires"),
)

audit = Table(
    "audit",  # rows are added, never changed
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("actor", Written),
    Column("action", Id, nullable=False),
    Column("target", Short),
    Column("details", Structure, nullable=False),
    Index(None, "target", "id"),
)
