"""The first tables."""

import sqlalchemy as sa
from alembic import op

from engine.store.types import Guid, Moment

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("wish", sa.String(length=8), nullable=False),
        sa.Column("paused", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("environment", sa.String(length=80), nullable=False),
        sa.Column("nav", sa.String(length=400), nullable=False),
        sa.Column("crm", sa.String(length=400), nullable=False),
        sa.Column(
            "fingerprint", sa.String(length=64), nullable=False, comment="of what a resumed run must find unchanged"
        ),
        sa.Column(
            "saved_flags", sa.JSON(), nullable=False, comment="mapping -> flag and its version when the run started"
        ),
        sa.Column(
            "keep_cleared",
            sa.Boolean(),
            nullable=True,
            comment="the answer given in advance, for a run without a screen",
        ),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("beat_at", Moment(), nullable=True, comment="last sign of life of the engine"),
        sa.Column(
            "worked",
            sa.Float(),
            server_default="0",
            nullable=False,
            comment="seconds in which engines worked on it",
        ),
        sa.Column("nav_at", Moment(), nullable=True, comment="the clock of NAV at that moment"),
        sa.Column("crm_at", Moment(), nullable=True, comment="the clock of CRM at that moment"),
        sa.Column("waiting", sa.String(length=400), server_default="", nullable=False),
        sa.Column(
            "traffic",
            sa.JSON(),
            nullable=True,
            comment="how the requests to each service go, by its engine's last sign of life",
        ),
        sa.Column("code", sa.String(length=40), server_default="", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("hint", sa.Text(), server_default="", nullable=False),
        sa.Column("answer", sa.Boolean(), nullable=True),
        sa.Column("answered_at", Moment(), nullable=True),
        sa.Column("answered_by", sa.String(length=200), nullable=True),
        sa.Column(
            "kept_edits", sa.JSON(), nullable=True, comment="mappings whose flag an operator changed during the run"
        ),
        sa.Column("request", sa.JSON(), nullable=True, comment="what a run about couplings, or an undo, was asked for"),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "one_active_run",
        "run",
        ["kind"],
        unique=True,
        sqlite_where=sa.text("kind = 'run' AND state IN ('running', 'stopped', 'asking')"),
        postgresql_where=sa.text("kind = 'run' AND state IN ('running', 'stopped', 'asking')"),
    )
    op.create_table(
        "job",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("direction", sa.String(length=24), nullable=False),
        sa.Column("mapping", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("total_exact", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("type", sa.String(length=16), server_default="Synchronization", nullable=False),
        sa.Column("started_at", Moment(), nullable=True),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("spent", sa.Float(), server_default="0", nullable=False, comment="seconds of work before started_at"),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "seq", "direction", name="pk_job"),
    )
    op.create_table(
        "conflict",
        sa.Column("mapping", sa.String(length=40), nullable=False),
        sa.Column("nav_id", Guid(), nullable=False),
        sa.Column("crm_id", Guid(), nullable=False),
        sa.Column("nav_no", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "fields", sa.JSON(), nullable=False, comment="nav and crm names and values of the fields both sides changed"
        ),
        sa.Column("choices", sa.JSON(), nullable=True, comment="NAV field=CRM column -> nav or crm, once chosen"),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("mapping", "nav_id", name="pk_conflict"),
        comment="conflicts that wait for an operator",
    )
    op.create_index("ix_conflict_mapping_nav_no_nav_id", "conflict", ["mapping", "nav_no", "nav_id"], unique=False)
    op.create_table(
        "coupling",
        sa.Column("mapping", sa.String(length=40), nullable=False),
        sa.Column("nav_id", Guid(), nullable=False),
        sa.Column("crm_id", Guid(), nullable=False),
        sa.Column("nav_no", sa.String(length=80), nullable=False),
        sa.Column(
            "base",
            sa.LargeBinary(),
            nullable=True,
            comment="hashes of the bidirectional values when both sides were last the same",
        ),
        sa.Column("run_id", sa.Integer(), nullable=False, comment="the run that coupled the pair"),
        sa.Column(
            "born",
            sa.String(length=3),
            nullable=True,
            comment="nav or crm: the side whose record was made by us; null when both were there",
        ),
        sa.Column(
            "uncounted", sa.Boolean(), nullable=False, comment="created by us, found again by settling, not yet counted"
        ),
        sa.Column(
            "generation", sa.Integer(), server_default="0", nullable=False, comment="how often the partner was restored"
        ),
        sa.Column("coupled_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("mapping", "nav_id", name="pk_coupling"),
        sa.UniqueConstraint("mapping", "crm_id", name="uq_coupling_mapping_crm_id"),
    )
    op.create_index("ix_coupling_mapping_nav_no_nav_id", "coupling", ["mapping", "nav_no", "nav_id"], unique=False)
    op.create_table(
        "flag",
        sa.Column("mapping", sa.String(length=40), nullable=False),
        sa.Column("only_coupled", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.Column("changed_by", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("mapping", name="pk_flag"),
        comment="Synch. Only Coupled Records as stored; an active run overrides it without touching it",
    )
    op.create_table(
        "intent",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("direction", sa.String(length=24), nullable=False),
        sa.Column("mapping", sa.String(length=40), nullable=False),
        sa.Column("sent_at", Moment(), nullable=False),
        sa.Column(
            "creates",
            sa.LargeBinary(),
            nullable=False,
            comment="packed source ids, numbers and target ids of one batch",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_intent"),
        comment="creates that may have been sent; open until their page is committed or they are settled",
    )
    op.create_table(
        "link",
        sa.Column("mapping", sa.String(length=40), nullable=False),
        sa.Column("direction", sa.String(length=24), nullable=False),
        sa.Column("source_id", Guid(), nullable=False),
        sa.Column("partner_mapping", sa.String(length=40), nullable=False),
        sa.Column("field", sa.String(length=128), nullable=False, comment="its name on the side that is written to"),
        sa.PrimaryKeyConstraint("mapping", "direction", "source_id", "partner_mapping", "field", name="pk_link"),
        comment="records with a lookup that waits for its partner to be coupled",
    )
    op.create_table(
        "restored",
        sa.Column("mapping", sa.String(length=40), nullable=False),
        sa.Column("nav_id", Guid(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("mapping", "nav_id", name="pk_restored"),
        comment="of removed couplings, how often the partner was made again; a partner that is made anew gets that id",
    )
    op.create_table(
        "trouble",
        sa.Column("mapping", sa.String(length=40), nullable=False),
        sa.Column("direction", sa.String(length=24), nullable=False),
        sa.Column("source_id", Guid(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("message", sa.String(length=250), nullable=False),
        sa.Column("nav_no", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False, comment="how often in a row with the same message"),
        sa.Column("skipped", sa.Boolean(), nullable=False, comment="left alone until an operator asks to retry"),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("mapping", "direction", "source_id", name="pk_trouble"),
        comment="records that failed last time, coupled or not, until they succeed",
    )
    op.create_index(
        "trouble_ambiguous",
        "trouble",
        ["mapping", sa.text("direction DESC"), "nav_no", "source_id"],
        unique=False,
        sqlite_where=sa.text("code = 'ambiguous'"),
        postgresql_where=sa.text("code = 'ambiguous'"),
    )
    op.create_table(
        "watermark",
        sa.Column("mapping", sa.String(length=40), nullable=False),
        sa.Column("direction", sa.String(length=24), nullable=False),
        sa.Column(
            "at", Moment(), nullable=False, comment="newest change, by the clock of the source, that was looked at"
        ),
        sa.PrimaryKeyConstraint("mapping", "direction", name="pk_watermark"),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("deed", sa.String(length=8), nullable=False),
        sa.Column("mapping", sa.String(length=40), nullable=False),
        sa.Column("nav_no", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_decision"),
        comment="what people decided about a run, but for its start and its answer, which are columns of the run",
    )
    op.create_index("ix_decision_run_id", "decision", ["run_id"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("mapping", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
    )
    op.create_index("ix_event_run_id", "event", ["run_id"], unique=False)
    op.create_table(
        "extra",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("entity", sa.String(length=128), nullable=False),
        sa.Column("id", Guid(), nullable=False),
        sa.Column("mapping", sa.String(length=40), nullable=False),
        sa.Column(
            "source", sa.String(length=200), nullable=False, comment="the id of the row it comes with, or what it is"
        ),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "entity", "id", name="pk_extra"),
        comment="rows in CRM that a run was about to make besides those of its mappings, such as price list lines",
    )
    op.create_table(
        "notice",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column(
            "target", sa.String(length=40), nullable=False, comment="the name of a notification in the configuration"
        ),
        sa.Column("told", sa.String(length=80), nullable=True, comment="what was told last of the run, or given up"),
        sa.Column("trying", sa.String(length=80), nullable=True, comment="what a notifier is about to tell"),
        sa.Column("until", Moment(), nullable=True, comment="when that notifier has given up at the latest"),
        sa.Column(
            "over",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="nothing more can happen to the run",
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "target", name="pk_notice"),
        comment="runs of which something is to be told, or may be",
    )
    op.create_table(
        "outcome",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("direction", sa.String(length=24), nullable=False),
        sa.Column("source_id", Guid(), nullable=False),
        sa.Column(
            "kind", sa.String(length=8), nullable=False, comment="failed, skipped, warning or link, or what an undo did"
        ),
        sa.Column("mapping", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("cause", sa.String(length=300), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("nav_no", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("nav_id", Guid(), nullable=True),
        sa.Column("crm_id", Guid(), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "seq", "direction", "source_id", "kind", name="pk_outcome"),
    )
    op.create_index("ix_outcome_run_id_mapping_cause", "outcome", ["run_id", "mapping", "cause"], unique=False)
    op.create_index(
        "outcome_ambiguous",
        "outcome",
        ["run_id", "mapping", sa.text("direction DESC"), "nav_no", "source_id"],
        unique=False,
        sqlite_where=sa.text("kind = 'failed' AND code = 'ambiguous'"),
        postgresql_where=sa.text("kind = 'failed' AND code = 'ambiguous'"),
    )
    op.create_table(
        "overwritten",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("direction", sa.String(length=24), nullable=False),
        sa.Column("mapping", sa.String(length=40), nullable=False),
        sa.Column("entity", sa.String(length=128), nullable=False),
        sa.Column("target_id", Guid(), nullable=False),
        sa.Column("values", sa.LargeBinary(), nullable=False, comment="JSON of the values before and after a write"),
        sa.Column("at", Moment(), nullable=False),
        sa.Column(
            "unsettled", sa.Boolean(), nullable=False, comment="no page that was committed has seen what came of it"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_overwritten"),
        comment="what updates were about to overwrite, in the order in which they were sent",
    )
    op.create_index(
        "ix_overwritten_run_id_entity_target_id", "overwritten", ["run_id", "entity", "target_id"], unique=False
    )
    op.create_index(
        "ix_overwritten_entity_target_id",
        "overwritten",
        ["entity", "target_id"],
        unique=False,
        sqlite_where=sa.text("unsettled = 1"),
        postgresql_where=sa.text("unsettled"),
    )
    op.create_table(
        "planned",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("mapping", sa.String(length=40), nullable=False),
        sa.Column("nav_id", Guid(), nullable=False),
        sa.Column("crm_id", Guid(), nullable=False),
        sa.Column("nav_no", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "mapping", "nav_id", name="pk_planned"),
        sa.UniqueConstraint("run_id", "mapping", "crm_id", name="uq_planned_run_id_mapping_crm_id"),
        comment="the couplings that a plan would make, which its later jobs find; those of the last plan stay",
    )
    op.create_index("ix_planned_run_id_mapping_nav_no", "planned", ["run_id", "mapping", "nav_no"], unique=False)
    op.create_table(
        "foreseen",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("direction", sa.String(length=24), nullable=False),
        sa.Column("kind", sa.String(length=9), nullable=False, comment="inserted, coupled, modified or uncoupled"),
        sa.Column("source_id", Guid(), nullable=False),
        sa.Column("partner_id", Guid(), nullable=True, comment="null where it would be made"),
        sa.Column("mapping", sa.String(length=40), nullable=False),
        sa.Column("nav_no", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "seq", "direction", "kind", "source_id", name="pk_foreseen"),
        comment="the records that the last plan would write to, couple or uncouple",
    )
    op.create_table(
        "undoing",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False, comment="its place: what others refer to comes last"),
        sa.Column("entity", sa.String(length=128), nullable=False),
        sa.Column("id", Guid(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False, comment="restore, remove or uncouple"),
        sa.Column("state", sa.String(length=8), nullable=False, comment="due, done or left"),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("direction", sa.String(length=24), nullable=False),
        sa.Column("mapping", sa.String(length=40), nullable=False),
        sa.Column("nav_id", Guid(), nullable=True),
        sa.Column("crm_id", Guid(), nullable=True),
        sa.Column("nav_no", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=True, comment="of the values that were found in it"),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "stamp", Moment(), nullable=True, comment="its last change, when that is ours and nobody came between"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "rank", "entity", "id", name="pk_undoing"),
        comment="what a run that undoes another one is going to do, and how far it is",
    )
    op.create_index("ix_undoing_run_id_state_rank", "undoing", ["run_id", "state", "rank"], unique=False)
    op.create_table(
        "page",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("direction", sa.String(length=24), nullable=False),
        sa.Column("slice_no", sa.Integer(), nullable=False),
        sa.Column("last_key", sa.String(length=200), nullable=False),
        sa.Column("committed_at", Moment(), nullable=False),
        sa.Column("read", sa.Integer(), server_default="0", nullable=False),
        sa.Column("inserted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("modified", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unchanged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("skipped", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("coupled", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ambiguous", sa.Integer(), server_default="0", nullable=False),
        sa.Column("warnings", sa.Integer(), server_default="0", nullable=False),
        sa.Column("uncoupled", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id", "seq", "direction"], ["job.run_id", "job.seq", "job.direction"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "seq", "direction", "slice_no", "last_key", name="pk_page"),
    )
    op.create_table(
        "slice",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("direction", sa.String(length=24), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column(
            "cursor", sa.String(length=200), nullable=True, comment="key of the last record of the last committed page"
        ),
        sa.Column("done", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column(
            "epoch", sa.Integer(), server_default="0", nullable=False, comment="fences a zombie; never decreases"
        ),
        sa.Column("source_at", Moment(), nullable=True, comment="when the pass began, by the clock of its source"),
        sa.Column("newest", Moment(), nullable=True, comment="the newest change among the records of committed pages"),
        sa.ForeignKeyConstraint(
            ["run_id", "seq", "direction"], ["job.run_id", "job.seq", "job.direction"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "seq", "direction", "no", name="pk_slice"),
    )
    op.create_table(
        "schedule",
        sa.Column("mapping", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("next_at", Moment(), nullable=True, comment="when it has its turn, or its inactivity timeout ends"),
        sa.Column("run", sa.Integer(), nullable=True, comment="the synchronization under way"),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="how many failed in a row"),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("last_run", sa.Integer(), nullable=True),
        sa.Column("last_at", Moment(), nullable=True),
        sa.Column("result", sa.String(length=400), nullable=False),
        sa.Column(
            "seen",
            sa.LargeBinary(),
            nullable=True,
            comment="digest of the records that a look found when it went on hold",
        ),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.Column(
            "changed_by",
            sa.String(length=200),
            nullable=False,
            comment="the operator, or the process that made the entry",
        ),
        sa.PrimaryKeyConstraint("mapping", name="pk_schedule"),
        comment="the entry of each mapping in the schedule of synchronizations of modified records",
    )
    op.create_table(
        "keeper",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False, comment="always 1"),
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("waiting", sa.Text(), nullable=False, comment="why nothing starts at the moment"),
        sa.Column("stop_by", sa.String(length=200), nullable=True, comment="the operator who wants it to end"),
        sa.PrimaryKeyConstraint("id", name="pk_keeper"),
        comment="the process that keeps the schedule, or kept it last",
    )
