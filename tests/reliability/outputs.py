"""Hostile texts in everything that is written: lines, JSON, CSV, reports, the log, what went wrong, crash files."""

import contextlib
import csv
import io
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from engine.config import load
from engine.model.errors import ConfigError, ConnectionLost
from engine.model.snapshot import RunState
from engine.runs import control, process
from engine.store import schedule, schema
from engine.store.database import Store
from engine.store.lock import schedule_lock
from engine.store.types import Guid, Moment, Said
from tests.cli.conftest import CONFIG
from tests.reliability.hostile import filled
from tests.reliability.line import Line, Measured
from tests.reliability.payloads import PAYLOADS, TARGET, Shown, foreign
from tests.reliability.surroundings import surrounded
from tests.runs_store.tools import settings_of
from tests.tui.made.runs import made_home, made_run
from tests.tui.made.troubles import made_causes, made_conflicts, made_outcome
from tui import cli, diagnostics, plain
from tui.commands import records
from tui.reports import files
from tui.widgets import passes, problems

_NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_ONE_EACH = (schema.run, schema.job, schema.flag, schema.schedule, schema.keeper)
"""Tables with one row for all, or for each mapping: each text has its turn in them."""
_OF_ONE = (("status",), ("schedule", "list"), ("schedule", "list", "--json"))
"""Commands that tell of them."""
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("status",), ("status", "--json"), ("jobs",), ("jobs", "--json"), ("errors",), ("errors", "--json"), ("errors", "--records"),
    ("errors", "--records", "--json"), ("conflicts",), ("conflicts", "--json"), ("skipped",), ("skipped", "--all"), ("skipped", "--all", "--json"),
    ("couplings",), ("couplings", "--csv"), ("couplings", "--json"), ("matches",), ("matches", "--json"), ("--plain",), ("mappings",), ("mappings", "--json"),
    ("report", "-o", "-"), ("report", "-o", "-", "--format", "csv"), ("report", "-o", "-", "--format", "json"), *_OF_ONE,
)  # fmt: skip
_TABBED = (("couplings",), ("errors", "--records"))
"""Their columns are parted by tabs."""
ARGUMENTS: tuple[tuple[str, ...], ...] = (
    ("{0}",), ("run", "--only", "{0}"), ("errors", "--mapping", "{0}"), ("mappings", "{0}"), ("couplings", "--mapping", "{0}"), ("couplings", "import", "{0}"),
    ("conflicts", "resolve", "CUSTOMER", "{0}"), ("conflicts", "resolve", "{0}", "{0}"), ("retry", "CUSTOMER", "{0}"), ("retry", "{0}"),
    ("uncouple", "{0}", "--all", "--yes"), ("answer", "{0}"), ("answer", "{0}", "no"), ("status", "{0}"), ("status", "--{0}"),
    ("status", "--config", "{0}"),
)  # fmt: skip
"""Commands that get a text from whoever calls them, such as a script with names of records."""


def in_outputs(texts: Sequence[str] = PAYLOADS) -> Shown:
    """Write each text wherever something is written."""
    shown = Shown()
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name), surrounded(_home(Path(name))):
        for text in texts:
            for place, work in (("lines", _lines), ("files", _files), ("words", _words)):
                try:
                    for what, written in work(text):
                        _note(shown, what, text, written)
                except Exception as error:  # noqa: BLE001  # that is what is looked for
                    shown.crashes.append(f"{place}: {text!r}: {type(error).__name__}: {error}"[:600])
        _stored(shown, Path(name), texts)
    return shown


def _home(folder: Path) -> dict[str, str]:
    state, config = str(folder / "state"), str(folder / "config")
    secret = "hunter2-secret"
    return {"XDG_STATE_HOME": state, "XDG_CONFIG_HOME": config, "HOME": str(folder), "COUPLER_TEST_SECRET": secret}


def _note(shown: Shown, place: str, text: str, written: str) -> None:
    shown.places.add(place)
    shown.shows += 1
    if found := foreign(written):
        shown.foreign.append(f"{place}: {text!r}: {sorted(map(ascii, found))}")


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for state in RunState:
        run = filled(made_run(state), text)
        lines = [*plain.status_lines(run), plain.run_line(run), *plain.question_lines(run.flags)]
        lines += [plain.job_line(run, job) for job in run.jobs]
        lines += plain.hanging(text, 60)
        yield f"lines of a run that is {state}", "\n".join(lines)
        if any("\n" in line for line in lines):
            yield "lines", "\x0a\x0b a text makes lines of its own"
        yield "JSON of a run", records.line(records.run(run))
    cause = filled(made_causes(), text)[0]
    outcome = filled(made_outcome(1, cause), text)
    made = [records.cause(cause), records.outcome(outcome), *map(records.conflict, filled(made_conflicts(), text))]
    made += map(records.mapping, filled(made_home(), text).mappings)
    for one in made:
        written = records.line(one)
        json.loads(written)
        yield "JSON of records", written


def _files(text: str) -> Iterator[tuple[str, str]]:
    run = filled(made_run(RunState.FINISHED), text)
    outcome = filled(made_outcome(1, made_causes()[0]), text)
    one = filled(made_run().jobs[0].passes[0], text)
    for path in (
        files.write_text("text", plain.status_lines(run)),
        files.write_csv("errors", problems.HEADING, [problems.export(outcome)]),
        files.write_csv("jobs", passes.HEADING, [passes.export(one)]),
    ):
        written = path.read_text(encoding="utf-8")
        yield f"a {path.suffix[1:]} file", written
        if path.suffix == ".csv":
            yield from _formulas(written)
        path.unlink()


def _formulas(written: str) -> Iterator[tuple[str, str]]:
    """A cell that a spreadsheet would run counts as a foreign byte."""
    for row in csv.reader(io.StringIO(written)):
        for cell in row:
            if cell.startswith(_FORMULA):
                yield "a cell of a csv file", f"\x1b{cell[:40]}"


def _words(text: str) -> Iterator[tuple[str, str]]:
    for error in (
        ConnectionLost(text, text),
        ConfigError(text, text, (text, text)),
        ValueError(text),
        OSError(5, text),
    ):
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            diagnostics.fail(error)
        yield f"what is said of {type(error).__name__}", said.getvalue()
    for path in (Path(os.environ["XDG_STATE_HOME"]) / "coupler" / "log").glob("crash-*"):
        yield "a crash file", path.read_text(encoding="utf-8")
        path.unlink()
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        log = process._Log(replace(settings_of(Path("/")), environment=text), 1)
        log.say("error", "engine failed", code=text, message=text, hint=text)
    yield "the log", said.getvalue()


def _stored(shown: Shown, folder: Path, texts: Sequence[str]) -> None:
    """What commands say of a store that is full of them."""
    (folder / "config.toml").write_text(CONFIG)
    settings = load(folder / "config.toml")
    store = Store.open(settings.store.url)
    number = control.start(store, settings, by=texts[0])
    with store.writing() as connection:
        for at, text in enumerate(texts):
            _fill(connection, number, at, text)
        for one in settings.mappings:
            for table in (schema.flag, schema.schedule):
                _insert(connection, table, number, 0, "", mapping=one.name)
        schedule.keep(connection, "", _NOW)
        filled = {one.name: connection.scalar(sa.select(sa.func.count()).select_from(one)) for one in _tables()}
    shown.crashes += [f"no text is in the table {name}" for name, rows in filled.items() if not rows]
    for arguments in COMMANDS:
        _command(shown, arguments, "all of them")
    with schedule_lock(store):
        for text in texts:
            with store.writing() as connection:
                for table in _ONE_EACH:
                    connection.execute(sa.update(table).values(dict.fromkeys(_texts(table), text)))
            for arguments in _OF_ONE:
                _command(shown, arguments, text)
    store.close()
    for text in texts:
        if _passable(text):
            for arguments in ARGUMENTS:
                _command(shown, tuple(one.format(text) for one in arguments), text, " ".join(arguments).format("..."))


def _passable(text: str) -> bool:
    """Whether a process can be given the text as an argument that is no option."""
    try:
        return b"\0" not in os.fsencode(text) and not text.startswith("-")
    except UnicodeEncodeError:
        return False


def _tables() -> list[sa.Table]:
    """Those that hold texts of people or servers, in an order in which rows may refer to others."""
    return [one for one in schema.metadata.sorted_tables if _texts(one)]


def _texts(table: sa.Table) -> list[str]:
    return [one.name for one in table.c if isinstance(one.type, Said)]


def _fill(connection: sa.Connection, number: int, at: int, text: str) -> None:
    """A row in every table that has one for each record."""
    for table in _tables():
        if table not in _ONE_EACH:
            _insert(connection, table, number, at, text)


def _insert(
    connection: sa.Connection, table: sa.Table, number: int, at: int, text: str, mapping: str = "CUSTOMER"
) -> None:
    """The row of that number, with the text in every column that may hold one."""
    id, other = str(UUID(int=at + 1)), str(UUID(int=at + 100_001))
    kept = text.encode("utf-8", "replace").decode()
    known: dict[str, Any] = {
        "run_id": number,
        "seq": 4,
        "mapping": mapping,
        "direction": "ToIntegrationTable",
        "source_id": id,
        "nav_id": id,
        "crm_id": other,
        "kind": "failed",
        "deed": "choose",
        "state": "error" if table is schema.schedule else "left",
        "skipped": True,
        "fields": [{"nav": "Name", "crm": "name", "nav_value": kept, "crm_value": "x"}],
    }
    values = {one.name: known.get(one.name, _plain(one, id, at)) for one in table.c if not one.nullable}
    values |= {one.name: known[one.name] for one in table.c if one.name in known}
    values |= dict.fromkeys(_texts(table), text)
    if table.c.get("id") is not None and table.c.id.autoincrement is True:
        values.pop("id")
    connection.execute(sa.insert(table).values(**values))


def _plain(column: "sa.Column[Any]", id: str, at: int) -> object:
    """Something that the column can hold."""
    kinds: tuple[tuple[type, object], ...] = (
        (Guid, id), (Moment, _NOW), (sa.Boolean, False), (sa.Integer, at), (sa.Float, 0.0),
        (sa.LargeBinary, b"[]"), (sa.JSON, {}),
    )  # fmt: skip
    return next((value for kind, value in kinds if isinstance(column.type, kind)), f"x{at}")


def _command(shown: Shown, arguments: tuple[str, ...], text: str, name: str = "") -> None:
    place = f"coupler {name or ' '.join(arguments)}"
    buffers = (io.BytesIO(), io.BytesIO())
    out, err = (io.TextIOWrapper(one, encoding="utf-8", newline="\n") for one in buffers)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main(list(arguments))
    for one in (out, err):
        one.flush()
    written = b"".join(one.getvalue() for one in buffers).decode()
    _note(shown, place, text, written.replace("\t", " ") if arguments in _TABBED else written)
    if code == 70 or "Traceback" in written:
        shown.crashes.append(f"{place}: {text!r}: {written[-300:]!a}")
    if "<script>alert" in written and "</html>" in written:
        shown.actions.append(f"{place}: {text!r}: a script of others in a page")
    if "--csv" in arguments or "csv" in arguments:
        for what, found in _formulas(written):
            _note(shown, what, text, found)


def _measure() -> Measured:
    shown = in_outputs()
    text = f"{len(PAYLOADS)} x {len(shown.places)} / {len(shown.foreign)} / {len(shown.crashes)}"
    return Measured(text, not shown.faults and len(PAYLOADS) >= TARGET, tuple(shown.faults))


LINES: tuple[Line, ...] = (
    Line("hostile texts x outputs: foreign bytes / crashes", f"{TARGET} x all / 0 / 0", _measure),
)
