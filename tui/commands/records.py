"""Snapshots as JSON objects, one a line. What programs read is exact: only the encoding keeps it harmless."""

import json
from collections.abc import Mapping
from typing import Any

from engine.model.conflict import Conflict
from engine.model.coupled import BothRecords, OneRecord
from engine.model.matches import Ambiguous, Candidate, Review
from engine.model.plan import Difference, Foreseen
from engine.model.snapshot import (
    Cause,
    Counters,
    CouplingRow,
    JobSnapshot,
    MappingSnapshot,
    PassSnapshot,
    RecordOutcome,
    RunSnapshot,
)
from engine.model.trouble import Trouble
from tui import format as form


def line(record: Mapping[str, Any]) -> str:
    """One line of ASCII without control bytes, whatever the texts hold."""
    # DEL is the one control character that JSON leaves as it is.
    return json.dumps(record, ensure_ascii=True, allow_nan=False).replace("\x7f", "\\u007f")


def counters(found: Counters) -> dict[str, int]:
    """The counters under the products' names."""
    return {
        "read": found.read,
        "inserted": found.inserted,
        "modified": found.modified,
        "unchanged": found.unchanged,
        "skipped": found.skipped,
        "failed": found.failed,
        "coupled": found.coupled,
        "ambiguous": found.ambiguous,
        "warnings": found.warnings,
        "uncoupled": found.uncoupled,
    }


def job(run: RunSnapshot, found: JobSnapshot) -> dict[str, Any]:
    """One of the ordered jobs, as it is now."""
    return {
        "run": run.id,
        "job": found.mapping,
        "seq": found.seq,
        "direction": str(found.direction),
        "state": str(found.state),
        "total": found.total,
        "total_exact": found.total_exact,
        "rate": found.rate,
        "eta": found.eta,
        "message": found.message,
        **counters(found.counters),
    }


def run(found: RunSnapshot) -> dict[str, Any]:
    """A run with its jobs and flags."""
    return {
        "run": found.id,
        "kind": found.kind,
        "undoes": found.undoes,
        "state": str(found.state),
        "paused": found.paused,
        "environment": found.environment,
        "nav": found.nav,
        "crm": found.crm,
        "started": form.iso(found.started),
        "ended": form.iso(found.ended),
        "worked": round(found.worked),
        "eta": found.eta,
        "waiting": found.waiting,
        "code": found.code,
        "message": found.message,
        "hint": found.hint,
        "answer": found.answer,
        "answered_by": found.answered_by,
        "answered_at": form.iso(found.answered_at),
        "cleared": list(found.cleared),
        "counters": counters(found.counters),
        "left_alone": found.left_alone,
        "jobs": [job(found, one) for one in found.jobs],
        "flags": [
            {
                "mapping": flag.mapping,
                "before": flag.before,
                "now": flag.now,
                "if_yes": flag.if_yes,
                "if_no": flag.if_no,
                "edited": flag.edited,
            }
            for flag in found.flags
        ],
    }


def one_pass(found: PassSnapshot) -> dict[str, Any]:
    """An integration synchronization job."""
    return {
        "run": found.run,
        "seq": found.seq,
        "mapping": found.mapping,
        "type": str(found.type),
        "direction": str(found.direction),
        "state": str(found.state),
        "total": found.total,
        "total_exact": found.total_exact,
        "started": form.iso(found.started),
        "ended": form.iso(found.ended),
        "took": None if found.took is None else round(found.took),
        "message": found.message,
        **counters(found.counters),
    }


def outcome(found: RecordOutcome) -> dict[str, Any]:
    """What happened to one record."""
    return {
        "run": found.run,
        "mapping": found.mapping,
        "direction": str(found.direction),
        "kind": found.kind,
        "code": found.code,
        "cause": found.cause,
        "message": found.message,
        "hint": found.hint,
        "nav_no": found.nav_no,
        "name": found.name,
        "nav_id": found.nav_id,
        "crm_id": found.crm_id,
        "at": form.iso(found.at),
    }


def cause(found: Cause) -> dict[str, Any]:
    """Equal problems as one."""
    return {
        "run": found.run,
        "mapping": found.mapping,
        "kind": found.kind,
        "code": found.code,
        "cause": found.cause,
        "count": found.count,
        "first_seen": form.iso(found.first_seen),
        "hint": found.hint,
    }


def coupling(found: CouplingRow) -> dict[str, Any]:
    """A coupling."""
    return {"mapping": found.mapping, "nav_no": found.nav_no, "nav_id": found.nav_id, "crm_id": found.crm_id}


def conflict(found: Conflict) -> dict[str, Any]:
    """A conflict with its fields."""
    return {
        "mapping": found.mapping,
        "nav_no": found.nav_no,
        "name": found.name,
        "nav_id": found.nav_id,
        "crm_id": found.crm_id,
        "run": found.run,
        "since": form.iso(found.at),
        "fields": [
            {
                "nav": one.nav,
                "crm": one.crm,
                "nav_value": one.nav_value,
                "crm_value": one.crm_value,
                "choice": None if one.choice is None else str(one.choice),
            }
            for one in found.fields
        ],
    }


def trouble(found: Trouble) -> dict[str, Any]:
    """A record that failed the last time."""
    return {
        "mapping": found.mapping,
        "direction": str(found.direction),
        "nav_no": found.nav_no,
        "name": found.name,
        "source_id": found.source_id,
        "code": found.code,
        "message": found.message,
        "times": found.times,
        "skipped": found.skipped,
        "run": found.run,
        "at": form.iso(found.at),
    }


def mapping(found: MappingSnapshot) -> dict[str, Any]:
    """An integration table mapping."""
    return {
        "seq": found.seq,
        "mapping": found.name,
        "direction": str(found.direction),
        "nav_table": found.nav_table,
        "crm_table": found.crm_table,
        "only_coupled": found.only_coupled,
        "cleared_by": found.cleared_by,
        "coupled": found.coupled,
        "last_state": None if found.last_state is None else str(found.last_state),
    }


def foreseen(found: Foreseen) -> dict[str, Any]:
    """A record of a plan."""
    return {
        "plan": found.run,
        "mapping": found.mapping,
        "direction": str(found.direction),
        "effect": str(found.effect),
        "nav_no": found.nav_no,
        "name": found.name,
        "nav_id": found.nav_id,
        "crm_id": found.crm_id,
        "code": found.code,
        "message": found.message,
        "hint": found.hint,
    }


def difference(found: Difference) -> dict[str, Any]:
    """What would be written for a record."""
    return {
        "compared": form.iso(found.at),
        "would_be": None if found.effect is None else str(found.effect),
        "why": found.message,
        "elsewhere": found.elsewhere,
        "fields": [
            {"nav": one.nav, "crm": one.crm, "source": one.source, "now": one.now, "then": one.then}
            for one in found.changes
        ],
    }


def ambiguous(found: Ambiguous) -> dict[str, Any]:
    """A record that several others match."""
    return {
        "mapping": found.mapping,
        "direction": str(found.direction),
        "source_id": found.source_id,
        "nav_no": found.nav_no,
        "name": found.name,
        "message": found.message,
        "run": found.run,
        "at": form.iso(found.at),
    }


def review(found: Review) -> dict[str, Any]:
    """Those that match it, with their fields beside its own."""
    return {
        "read": form.iso(found.at),
        "why": found.message,
        "rivals": found.rivals,
        "left_out": found.more,
        "candidates": [_candidate(found, one) for one in found.candidates],
    }


def _candidate(found: Review, one: Candidate) -> dict[str, Any]:
    pairs = zip(found.fields, one.values, one.agrees, strict=True)
    return {
        "id": one.id,
        "number": one.number,
        "name": one.name,
        "same": one.same,
        "fields": [
            {
                "nav": field.nav,
                "crm": field.crm,
                "rule": field.rule,
                "record": field.value,
                "candidate": value,
                "same": same,
            }
            for field, value, same in pairs
        ],
    }


def both(found: BothRecords) -> dict[str, Any]:
    """The two records of a coupling."""
    return {
        "mapping": found.mapping,
        "nav_no": found.nav_no,
        "nav": _one_record(found.nav),
        "crm": _one_record(found.crm),
        "fields": [
            {
                "nav": one.nav,
                "crm": one.crm,
                "direction": str(one.direction),
                "nav_value": one.nav_value,
                "crm_value": one.crm_value,
                "alike": str(one.alike),
                "note": one.note,
            }
            for one in found.fields
        ],
    }


def _one_record(found: OneRecord) -> dict[str, Any]:
    return {
        "table": found.table,
        "id": found.id,
        "found": found.found,
        "name": found.name,
        "modified": found.modified,
    }
