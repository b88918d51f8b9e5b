"""The tables of the state store. What a page did is one row of `page`, in the same commit as its couplings."""

from typing import Any

import sqlalchemy as sa

from engine.model.trouble import MESSAGE_SIZE
from engine.store.types import Guid, Moment, Said

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Column, Table = sa.Column, sa.Table


def _counter(name: str) -> sa.Column[int]:
    return Column(name, sa.Integer, nullable=False, server_default="0")


flag = Table(
    "flag",
    metadata,
    Column("mapping", sa.String(40), primary_key=True),
    Column("only_coupled", sa.Boolean, nullable=False),
    Column("version", sa.Integer, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("changed_by", Said(200), nullable=False),
    comment="Synch. Only Coupled Records as stored; an active run overrides it without touching it",
)

run = Table(
    "run",
    metadata,
    Column("id", sa.Integer, primary_key=True, autoincrement=True),
    Column("kind", sa.String(8), nullable=False),
    Column("state", sa.String(16), nullable=False),
    Column("wish", sa.String(8), nullable=False),
    Column("paused", sa.Boolean, nullable=False, server_default=sa.false()),
    Column("environment", sa.String(80), nullable=False),
    Column("nav", Said(400), nullable=False),
    Column("crm", Said(400), nullable=False),
    Column("fingerprint", sa.String(64), nullable=False, comment="of what a resumed run must find unchanged"),
    Column("saved_flags", sa.JSON, nullable=False, comment="mapping -> flag and its version when the run started"),
    Column("keep_cleared", sa.Boolean, comment="the answer given in advance, for a run without a screen"),
    Column("created_at", Moment, nullable=False),
    Column("created_by", Said(200), nullable=False),
    Column("ended_at", Moment),
    Column("beat_at", Moment, comment="last sign of life of the engine"),
    Column("worked", sa.Float, nullable=False, server_default="0", comment="seconds in which engines worked on it"),
    Column("nav_at", Moment, comment="the clock of NAV at that moment"),
    Column("crm_at", Moment, comment="the clock of CRM at that moment"),
    Column("waiting", Said(400), nullable=False, server_default=""),
    Column("traffic", sa.JSON, comment="how the requests to each service go, by its engine's last sign of life"),
    Column("code", Said(40), nullable=False, server_default=""),
    Column("message", Said(), nullable=False, server_default=""),
    Column("hint", Said(), nullable=False, server_default=""),
    Column("answer", sa.Boolean),
    Column("answered_at", Moment),
    Column("answered_by", Said(200)),
    Column("kept_edits", sa.JSON, comment="mappings whose flag an operator changed during the run"),
    Column("request", sa.JSON, comment="what a run about couplings, or an undo, was asked for"),
    sqlite_autoincrement=True,
)

_ACTIVE = sa.and_(run.c.kind == "run", run.c.state.in_(("running", "stopped", "asking")))
sa.Index("one_active_run", run.c.kind, unique=True, sqlite_where=_ACTIVE, postgresql_where=_ACTIVE)

job = Table(
    "job",
    metadata,
    Column("run_id", sa.ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", sa.Integer, primary_key=True),
    Column("direction", sa.String(24), primary_key=True),
    Column("mapping", sa.String(40), nullable=False),
    Column("state", sa.String(8), nullable=False),
    Column("total", sa.Integer),
    Column("total_exact", sa.Boolean, nullable=False, server_default=sa.true()),
    Column("type", sa.String(16), nullable=False, server_default="Synchronization"),
    Column("started_at", Moment),
    Column("ended_at", Moment),
    Column("spent", sa.Float, nullable=False, server_default="0", comment="seconds of work before started_at"),
    Column("message", Said(), nullable=False, server_default=""),
)

slice_ = Table(
    "slice",
    metadata,
    Column("run_id", sa.Integer, primary_key=True),
    Column("seq", sa.Integer, primary_key=True),
    Column("direction", sa.String(24), primary_key=True),
    Column("no", sa.Integer, primary_key=True),
    Column("cursor", sa.String(200), comment="key of the last record of the last committed page"),
    Column("done", sa.Boolean, nullable=False, server_default=sa.false()),
    Column("epoch", sa.Integer, nullable=False, server_default="0", comment="fences a zombie; never decreases"),
    Column("source_at", Moment, comment="when the pass began, by the clock of its source"),
    Column("newest", Moment, comment="the newest change among the records of committed pages"),
    sa.ForeignKeyConstraint(
        ("run_id", "seq", "direction"), ("job.run_id", "job.seq", "job.direction"), ondelete="CASCADE"
    ),
)

page = Table(
    "page",
    metadata,
    Column("run_id", sa.Integer, primary_key=True),
    Column("seq", sa.Integer, primary_key=True),
    Column("direction", sa.String(24), primary_key=True),
    Column("slice_no", sa.Integer, primary_key=True),
    Column("last_key", sa.String(200), primary_key=True),
    Column("committed_at", Moment, nullable=False),
    _counter("read"),
    _counter("inserted"),
    _counter("modified"),
    _counter("unchanged"),
    _counter("skipped"),
    _counter("failed"),
    _counter("coupled"),
    _counter("ambiguous"),
    _counter("warnings"),
    _counter("uncoupled"),
    sa.ForeignKeyConstraint(
        ("run_id", "seq", "direction"), ("job.run_id", "job.seq", "job.direction"), ondelete="CASCADE"
    ),
)

coupling = Table(
    "coupling",
    metadata,
    Column("mapping", sa.String(40), primary_key=True),
    Column("nav_id", Guid, primary_key=True),
    Column("crm_id", Guid, nullable=False),
    Column("nav_no", Said(80), nullable=False),
    Column("base", sa.LargeBinary, comment="hashes of the bidirectional values when both sides were last the same"),
    Column("run_id", sa.Integer, nullable=False, comment="the run that coupled the pair"),
    Column("born", sa.String(3), comment="nav or crm: the side whose record was made by us; null when both were there"),
    Column("uncounted", sa.Boolean, nullable=False, comment="created by us, found again by settling, not yet counted"),
    Column("generation", sa.Integer, nullable=False, server_default="0", comment="how often the partner was restored"),
    Column("coupled_at", Moment, nullable=False),
    sa.UniqueConstraint("mapping", "crm_id"),
    sa.Index(None, "mapping", "nav_no", "nav_id"),
)

restored = Table(
    "restored",
    metadata,
    Column("mapping", sa.String(40), primary_key=True),
    Column("nav_id", Guid, primary_key=True),
    Column("generation", sa.Integer, nullable=False),
    comment="of removed couplings, how often the partner was made again; a partner that is made anew gets that id",
)

planned = Table(
    "planned",
    metadata,
    Column("run_id", sa.ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("mapping", sa.String(40), primary_key=True),
    Column("nav_id", Guid, primary_key=True),
    Column("crm_id", Guid, nullable=False),
    Column("nav_no", Said(80), nullable=False),
    sa.UniqueConstraint("run_id", "mapping", "crm_id"),
    sa.Index(None, "run_id", "mapping", "nav_no"),
    comment="the couplings that a plan would make, which its later jobs find; those of the last plan stay",
)

foreseen = Table(
    "foreseen",
    metadata,
    Column("run_id", sa.ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", sa.Integer, primary_key=True),
    Column("direction", sa.String(24), primary_key=True),
    Column("kind", sa.String(9), primary_key=True, comment="inserted, coupled, modified or uncoupled"),
    Column("source_id", Guid, primary_key=True),
    Column("partner_id", Guid, comment="null where it would be made"),
    Column("mapping", sa.String(40), nullable=False),
    Column("nav_no", Said(80), nullable=False),
    Column("name", Said(200), nullable=False),
    comment="the records that the last plan would write to, couple or uncouple",
)

intent = Table(
    "intent",
    metadata,
    Column("id", sa.Integer, primary_key=True, autoincrement=True),
    Column("run_id", sa.Integer, nullable=False),
    Column("seq", sa.Integer, nullable=False),
    Column("direction", sa.String(24), nullable=False),
    Column("mapping", sa.String(40), nullable=False),
    Column("sent_at", Moment, nullable=False),
    Column("creates", sa.LargeBinary, nullable=False, comment="packed source ids, numbers and target ids of one batch"),
    comment="creates that may have been sent; open until their page is committed or they are settled",
)

outcome = Table(
    "outcome",
    metadata,
    Column("run_id", sa.ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", sa.Integer, primary_key=True),
    Column("direction", sa.String(24), primary_key=True),
    Column("source_id", Guid, primary_key=True),
    Column("kind", sa.String(8), primary_key=True, comment="failed, skipped, warning or link, or what an undo did"),
    Column("mapping", sa.String(40), nullable=False),
    Column("code", Said(60), nullable=False),
    Column("cause", Said(300), nullable=False),
    Column("message", Said(), nullable=False),
    Column("hint", Said(), nullable=False),
    Column("nav_no", Said(80), nullable=False),
    Column("name", Said(200), nullable=False),
    Column("nav_id", Guid),
    Column("crm_id", Guid),
    Column("at", Moment, nullable=False),
    sa.Index(None, "run_id", "mapping", "cause"),
)

overwritten = Table(
    "overwritten",
    metadata,
    Column("id", sa.Integer, primary_key=True, autoincrement=True),
    Column("run_id", sa.ForeignKey("run.id", ondelete="CASCADE"), nullable=False),
    Column("seq", sa.Integer, nullable=False),
    Column("direction", sa.String(24), nullable=False),
    Column("mapping", sa.String(40), nullable=False),
    Column("entity", sa.String(128), nullable=False),
    Column("target_id", Guid, nullable=False),
    Column("values", sa.LargeBinary, nullable=False, comment="JSON of the values before and after a write"),
    Column("at", Moment, nullable=False),
    Column("unsettled", sa.Boolean, nullable=False, comment="no page that was committed has seen what came of it"),
    sa.Index(None, "run_id", "entity", "target_id"),
    sa.Index(None, "entity", "target_id", sqlite_where=sa.text("unsettled = 1"), postgresql_where=sa.text("unsettled")),
    comment="what updates were about to overwrite, in the order in which they were sent",
)

extra = Table(
    "extra",
    metadata,
    Column("run_id", sa.ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("entity", sa.String(128), primary_key=True),
    Column("id", Guid, primary_key=True),
    Column("mapping", sa.String(40), nullable=False),
    Column("source", Said(200), nullable=False, comment="the id of the row it comes with, or what it is"),
    Column("at", Moment, nullable=False),
    comment="rows in CRM that a run was about to make besides those of its mappings, such as price list lines",
)

undoing = Table(
    "undoing",
    metadata,
    Column("run_id", sa.ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("rank", sa.Integer, primary_key=True, comment="its place: what others refer to comes last"),
    Column("entity", sa.String(128), primary_key=True),
    Column("id", Guid, primary_key=True),
    Column("kind", sa.String(8), nullable=False, comment="restore, remove or uncouple"),
    Column("state", sa.String(8), nullable=False, comment="due, done or left"),
    Column("seq", sa.Integer, nullable=False),
    Column("direction", sa.String(24), nullable=False),
    Column("mapping", sa.String(40), nullable=False),
    Column("nav_id", Guid),
    Column("crm_id", Guid),
    Column("nav_no", Said(80), nullable=False),
    Column("name", Said(200), nullable=False),
    Column("digest", sa.LargeBinary, comment="of the values that were found in it"),
    Column("note", Said(), nullable=False, server_default=""),
    Column("stamp", Moment, comment="its last change, when that is ours and nobody came between"),
    sa.Index(None, "run_id", "state", "rank"),
    comment="what a run that undoes another one is going to do, and how far it is",
)

link = Table(
    "link",
    metadata,
    Column("mapping", sa.String(40), primary_key=True),
    Column("direction", sa.String(24), primary_key=True),
    Column("source_id", Guid, primary_key=True),
    Column("partner_mapping", sa.String(40), primary_key=True),
    Column("field", sa.String(128), primary_key=True, comment="its name on the side that is written to"),
    comment="records with a lookup that waits for its partner to be coupled",
)

event = Table(
    "event",
    metadata,
    Column("id", sa.Integer, primary_key=True, autoincrement=True),
    Column("run_id", sa.ForeignKey("run.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("mapping", sa.String(40), nullable=False),
    Column("text", Said(), nullable=False),
)

decision = Table(
    "decision",
    metadata,
    Column("id", sa.Integer, primary_key=True, autoincrement=True),
    Column("run_id", sa.ForeignKey("run.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("by", Said(200), nullable=False),
    Column("deed", sa.String(8), nullable=False),
    Column("mapping", sa.String(40), nullable=False),
    Column("nav_no", Said(80), nullable=False),
    Column("text", Said(), nullable=False),
    comment="what people decided about a run, but for its start and its answer, which are columns of the run",
)

notice = Table(
    "notice",
    metadata,
    Column("run_id", sa.ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("target", sa.String(40), primary_key=True, comment="the name of a notification in the configuration"),
    Column("told", sa.String(80), comment="what was told last of the run, or given up"),
    Column("trying", sa.String(80), comment="what a notifier is about to tell"),
    Column("until", Moment, comment="when that notifier has given up at the latest"),
    Column("over", sa.Boolean, nullable=False, server_default=sa.false(), comment="nothing more can happen to the run"),
    comment="runs of which something is to be told, or may be",
)

trouble = Table(
    "trouble",
    metadata,
    Column("mapping", sa.String(40), primary_key=True),
    Column("direction", sa.String(24), primary_key=True),
    Column("source_id", Guid, primary_key=True),
    Column("code", Said(60), nullable=False),
    Column("message", Said(MESSAGE_SIZE), nullable=False),
    Column("nav_no", Said(80), nullable=False),
    Column("name", Said(200), nullable=False),
    Column("times", sa.Integer, nullable=False, comment="how often in a row with the same message"),
    Column("skipped", sa.Boolean, nullable=False, comment="left alone until an operator asks to retry"),
    Column("run_id", sa.Integer, nullable=False),
    Column("at", Moment, nullable=False),
    comment="records that failed last time, coupled or not, until they succeed",
)

watermark = Table(
    "watermark",
    metadata,
    Column("mapping", sa.String(40), primary_key=True),
    Column("direction", sa.String(24), primary_key=True),
    Column("at", Moment, nullable=False, comment="newest change, by the clock of the source, that was looked at"),
)

conflict = Table(
    "conflict",
    metadata,
    Column("mapping", sa.String(40), primary_key=True),
    Column("nav_id", Guid, primary_key=True),
    Column("crm_id", Guid, nullable=False),
    Column("nav_no", Said(80), nullable=False),
    Column("name", Said(200), nullable=False),
    Column("fields", sa.JSON, nullable=False, comment="nav and crm names and values of the fields both sides changed"),
    Column("choices", sa.JSON, comment="NAV field=CRM column -> nav or crm, once chosen"),
    Column("run_id", sa.Integer, nullable=False),
    Column("at", Moment, nullable=False),
    sa.Index(None, "mapping", "nav_no", "nav_id"),
    comment="conflicts that wait for an operator",
)

schedule = Table(
    "schedule",
    metadata,
    Column("mapping", sa.String(40), primary_key=True),
    Column("state", sa.String(8), nullable=False),
    Column("next_at", Moment, comment="when it has its turn, or its inactivity timeout ends"),
    Column("run", sa.Integer, comment="the synchronization under way"),
    Column("attempts", sa.Integer, nullable=False, comment="how many failed in a row"),
    Column("code", Said(40), nullable=False),
    Column("message", Said(), nullable=False),
    Column("last_run", sa.Integer),
    Column("last_at", Moment),
    Column("result", Said(400), nullable=False),
    Column("seen", sa.LargeBinary, comment="digest of the records that a look found when it went on hold"),
    Column("changed_at", Moment, nullable=False),
    Column("changed_by", Said(200), nullable=False, comment="the operator, or the process that made the entry"),
    comment="the entry of each mapping in the schedule of synchronizations of modified records",
)

keeper = Table(
    "keeper",
    metadata,
    Column("id", sa.Integer, primary_key=True, autoincrement=False, comment="always 1"),
    Column("owner", Said(200), nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("waiting", Said(), nullable=False, comment="why nothing starts at the moment"),
    Column("stop_by", Said(200), comment="the operator who wants it to end"),
    comment="the process that keeps the schedule, or kept it last",
)


def is_ambiguous(table: sa.FromClause) -> sa.ColumnElement[bool]:
    """Of the ledger or of outcomes, records that failed because several others match. Its literals are those of the
    indexes: with parameters instead, no database can know that these will do.
    """
    found = table.c.code == sa.literal_column("'ambiguous'")
    return found if "kind" not in table.c else sa.and_(table.c.kind == sa.literal_column("'failed'"), found)


def _in_the_order_of_the_match_review(table: sa.Table, *first: sa.Column[Any]) -> None:
    c, where = table.c, is_ambiguous(table)
    columns = (*first, c.mapping, c.direction.desc(), c.nav_no, c.source_id)
    sa.Index(f"{table.name}_ambiguous", *columns, sqlite_where=where, postgresql_where=where)


_in_the_order_of_the_match_review(trouble)
_in_the_order_of_the_match_review(outcome, outcome.c.run_id)
