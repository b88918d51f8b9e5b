"""What of a mapping can be changed one by one: each setting with what it can be, what that does, and its default."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from engine.config import edit, rows, toml
from engine.config.check import Fault, meant, short
from engine.config.detail import mapping_key
from engine.config.edit import Draft, Form, written
from engine.config.listing import field_rows, mapping_settings
from engine.config.reset import removed
from engine.config.toml import Keys
from engine.mapping.defaults import Shipped, shipped_mappings
from engine.model.detail import Change, Choice
from engine.model.errors import ConfigError
from engine.model.mapping import Condition, ConflictPolicy, DeletionPolicy, FieldMapping, TableMapping

_LAST_BLANKS = re.compile(r"(\r?\n){2,}\Z")
_YES, _NO = "true", "false"
_OFF = "off"
_CHOICES: Mapping[str, tuple[Choice, ...]] = {
    "enabled": (
        Choice(_YES, "it takes part in runs and in the schedule"),
        Choice(_NO, "it is left out; its couplings stay, and lookups find them"),
    ),
    "direction": (
        Choice("both", "NAV records to CRM first, then CRM records to NAV"),
        Choice("to", "NAV records to CRM; nothing is written to NAV"),
        Choice("from", "CRM records to NAV; nothing is written to CRM"),
    ),
    "conflict": (
        Choice(ConflictPolicy.NONE, "the record fails, and both sides stay as they are"),
        Choice(ConflictPolicy.SEND_UPDATE, "NAV's value goes to CRM"),
        Choice(ConflictPolicy.GET_UPDATE, "CRM's value goes to NAV"),
        Choice(ConflictPolicy.LATEST, "the side that was changed last wins"),
        Choice(ConflictPolicy.ASK, "the field waits for a choice, the others go on"),
    ),
    "deletion": (
        Choice(DeletionPolicy.NONE, "the record fails, and its coupling stays"),
        Choice(DeletionPolicy.RESTORE_RECORDS, "the lost partner is made again, from the other record"),
        Choice(DeletionPolicy.REMOVE_COUPLING, "the pair is uncoupled; the other record stays"),
    ),
    "create_unmatched": (
        Choice(_YES, "`coupler match` makes CRM rows for records without a match"),
        Choice(_NO, "records without a match stay uncoupled"),
    ),
    "sync_after_coupling": (
        Choice(_YES, "`coupler match` synchronizes the pairs that it couples"),
        Choice(_NO, "pairs are coupled, and synchronized by the next run"),
    ),
}
_OF_A_FIELD = (
    Choice("both", "the side that was changed gives its value to the other"),
    Choice("to", "NAV's value goes to CRM"),
    Choice("from", "CRM's value goes to NAV"),
    Choice(_OFF, "the field is not synchronized"),
)
_FORM = 'A list of [field, operator, value] that must all hold: eq, ne, gt, ge, lt, le; "" is no value; [] takes all.'
_THERE = "`coupler config check` asks both servers whether the fields are there."
_PARTNERS = "Which uncoupled records may be found as partners."
_STAY = "Couplings stay: it must hold the same records, under another name."
_HELP: Mapping[str, tuple[str, ...]] = {
    "enabled": ("Whether the mapping takes part.",),
    "direction": ("Which way records go.",),
    "conflict": ("What happens where both sides changed the same field.",),
    "deletion": ("What happens where one record of a pair was deleted.",),
    "create_unmatched": ("What a match job does with records that match none.",),
    "sync_after_coupling": ("What a match job does with what it coupled.",),
    "depends": ("Mappings that run before this one, as a list of names; where one cannot go on, it is skipped.",),
    "nav_filter": ("Which NAV records take part.", _FORM, _THERE),
    "crm_filter": ("Which CRM records take part.", _FORM, _THERE),
    "nav_match_filter": (_PARTNERS, _FORM, _THERE),
    "crm_match_filter": (_PARTNERS, _FORM, _THERE),
    "match": (
        "How uncoupled records find their partners: rules in the order in which they are tried.",
        "Each is a list of [NAV field, CRM column] that must all be the same.",
    ),
    "nav.entity": ("The page that NAV publishes for it.", _STAY),
    "crm.entity": ("The set of CRM, such as accounts.", _STAY),
}
KEYS = tuple(_HELP)
"""What can be changed besides fields; those are named `Name=name`, by NAV field and CRM column."""


_WORDS = ("direction", "conflict", "deletion", "nav.entity", "crm.entity")
"""What is typed as it is; all else as TOML."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A config file with another value for a setting: the lines that change, and what would be wrong with it."""

    draft: Draft
    lines: tuple[str, ...]
    fault: str


def read(draft: Draft, mapping: str, key: str) -> Change:
    """A setting as a config file has it; raises ConfigError where there is no such mapping or setting.

    `key` is one of `KEYS`, or names a field by its NAV field and CRM column: `Name=name`.
    """
    form = edit.formed(draft)
    _refuse_unknown(form, mapping, key)
    found = _in_file(form.draft, mapping, key)
    without = edit.formed(_put(form, mapping, key, None))
    pair = _pair(key)
    choices, left_out = _possible(form, mapping, key, _CHOICES.get(key, ()) if pair is None else _OF_A_FIELD)
    return Change(
        mapping=mapping,
        key=key,
        help=_HELP[key] if pair is None else ("Whether the field is synchronized, and which way.",),
        choices=choices,
        value=_typed(_effective(form, mapping, key) if found is None else found),
        default=None if without.faults else _typed(_effective(without, mapping, key)),
        written=found is not None,
        left_out=left_out,
    )


def _possible(
    form: Form, mapping: str, key: str, choices: Sequence[Choice]
) -> tuple[tuple[Choice, ...], tuple[str, ...]]:
    """The choices that would bring no fault into the file, and why the others would."""
    known = {one.named for one in form.faults}
    possible: list[Choice] = []
    others: dict[str, list[str]] = {}
    for one in choices:
        faults: Sequence[Fault] = ()
        with suppress(ConfigError):  # the file cannot be changed at all, which is told when that is tried
            faults = edit.formed(_put(form, mapping, key, one.name)).faults
        new = next((fault for fault in faults if fault.named not in known), None)
        if new is None:
            possible.append(one)
        else:
            why = new.text if new.keys[:2] == ("mapping", mapping) else new.named
            others.setdefault(why, []).append(one.name)
    return tuple(possible), tuple(f"Not {', '.join(names)}: {why}." for why, names in others.items())


def propose(draft: Draft, mapping: str, key: str, text: str | None) -> Proposal:
    """The file with another value for a setting, or without one.

    Raises ConfigError as `read` does, and where the file cannot be changed.
    """
    form = edit.formed(draft)
    _refuse_unknown(form, mapping, key)
    try:
        made = _put(form, mapping, key, text)
    except toml.TomlError as error:
        return Proposal(draft, (), f"It cannot be read: {error.message}.")
    return Proposal(made, edit.difference(made), "; ".join(one.named for one in edit.formed(made).faults))


def _refuse_unknown(form: Form, mapping: str, key: str) -> None:
    names = [*_builtin(form), *(_found(form.draft, ("mapping",)) or ())]
    if mapping not in names:
        raise ConfigError(f'There is no mapping "{short(mapping)}"; {meant(mapping, dict.fromkeys(names))}')
    if key == "enabled":
        return
    if _of(form, mapping) is None:
        raise ConfigError(f"{mapping} does not take part.", "Where `enabled` says so, set that to true first.")
    pair = _pair(key)
    if pair is None and key not in _HELP:
        raise ConfigError(f'"{short(key)}" is no setting that can be changed one by one; {meant(key, KEYS)}')
    if pair is not None and pair not in {(one.field.nav, one.field.crm) for one in field_rows(form.settings, mapping)}:
        raise ConfigError(
            f'{mapping} has no field mapping "{short(key)}".', f"`coupler mappings {mapping} --fields` lists them."
        )


def _put(form: Form, mapping: str, key: str, text: str | None) -> Draft:
    """The draft with a value; raises TomlError for what is no TOML."""
    table: Keys = ("mapping", mapping)
    if text is not None and _found(form.draft, table) is None:
        form = replace(form, draft=_with_header(form.draft, mapping_key(mapping)))
    if (pair := _pair(key)) is not None:
        draft = _put_field(form, mapping, pair, text)
    else:
        *side, name = key.split(".")
        inner = (*table, *side)
        value = None if text is None else text if key in _WORDS else _parsed(text)
        if side and value is not None and _found(form.draft, inner) is None:
            draft = edit.put(form.draft, inner, {name: value})
        else:
            draft = edit.put(form.draft, (*inner, name), value)
        if side and _found(draft, inner) == {}:
            draft = edit.put(draft, inner, None)
    if draft.changed and _found(draft, table) == {}:  # a header on its own says nothing
        draft = replace(draft, text=_LAST_BLANKS.sub(r"\1", removed(draft.text, mapping)))
    return draft


def _with_header(draft: Draft, header: str) -> Draft:
    """The draft with a table at its end, where it comes between no other table and the comments above that."""
    newline = "\r\n" if "\r\n" in draft.text else "\n"
    text = draft.text if draft.text.endswith("\n") else f"{draft.text}{newline}"
    blank = "" if text.endswith(newline * 2) else newline
    return replace(draft, text=f"{text}{blank}{header}{newline}")


def _put_field(form: Form, mapping: str, pair: tuple[str, str], way: str | None) -> Draft:
    """The draft with a row for a field. By default a field that is off by default has none, or one that says so."""
    keys: Keys = ("mapping", mapping, "fields")
    there = _found(form.draft, keys) or []
    at = next((at for at, one in enumerate(there) if _names(one) == pair), None)
    if way is None and at is None:
        return form.draft
    old = dict(zip(("nav", "crm"), pair, strict=True)) if at is None else there[at]
    row = {name: one for name, one in old.items() if one != "" and name not in ("direction", "enabled")}
    shipped = _shipped(form, mapping)
    usual = () if shipped is None else shipped.mapping.fields
    extras = () if shipped is None else shipped.extras
    if way is None and at is not None and row.keys() <= {"nav", "crm"} and pair in _pairs((*usual, *extras)):
        if rows.in_braces(form.draft, keys):
            return rows.without(form.draft, keys, at)
        way = _OFF if pair in _pairs(extras) else None
    return rows.put(form.draft, keys, at, row if way is None else {**row, "direction": way})


def _pairs(fields: Sequence[FieldMapping]) -> set[tuple[str, str]]:
    return {(one.nav, one.crm) for one in fields}


def _names(row: Any) -> tuple[str, str] | None:
    return (row.get("nav", ""), row.get("crm", "")) if isinstance(row, Mapping) else None


def _pair(key: str) -> tuple[str, str] | None:
    nav, equals, crm = key.partition("=")
    return (nav.strip(), crm.strip()) if equals else None


def _parsed(text: str) -> Any:
    found = toml.parse(f"value = {text}\n")
    if found.keys() != {"value"}:
        raise toml.TomlError("it must be one value", None)
    return found["value"]


def _typed(value: Any) -> str:
    """A value as it is typed: names as they are, lists and flags as TOML has them."""
    return value if isinstance(value, str) else written(value)


def _in_file(draft: Draft, mapping: str, key: str) -> Any:
    """What the file says; None where it says nothing."""
    keys: Keys = ("mapping", mapping)
    if (pair := _pair(key)) is None:
        return _found(draft, (*keys, *key.split(".")))
    row: Mapping[str, Any] = next((one for one in _found(draft, (*keys, "fields")) or () if _names(one) == pair), {})
    return _OFF if row.get("enabled") is False else row.get("direction")


def _found(draft: Draft, keys: Keys) -> Any:
    return edit.found(draft.text, keys)


def _effective(form: Form, mapping: str, key: str) -> Any:
    """What is used, written as the file would have it."""
    one = _of(form, mapping)
    if key == "enabled":
        return _in_file(form.draft, mapping, key) is not False
    if one is None:
        return ""
    if (pair := _pair(key)) is not None:
        ways = {(row.field.nav, row.field.crm): row.direction for row in field_rows(form.settings, mapping)}
        return ways.get(pair, _OFF)
    if key == "match":
        return [[list(pair) for pair in rule.pairs] for rule in one.match]
    side = one.nav if key.startswith("nav") else one.crm
    if key.endswith(".entity"):
        return side.entity
    if key.endswith("_match_filter"):
        return _listed(side.match_filter)
    return _listed(side.filter) if key.endswith("_filter") else mapping_settings(one)[key]


def _listed(found: Sequence[Condition]) -> list[list[Any]]:
    return [[one.field, one.operator, "" if one.value is None else one.value] for one in found]


def _of(form: Form, mapping: str) -> TableMapping | None:
    return next((one for one in form.settings.mappings if one.name == mapping), None)


def _builtin(form: Form) -> dict[str, Shipped]:
    return {one.mapping.name: one for one in shipped_mappings(form.settings.nav.version)}


def _shipped(form: Form, mapping: str) -> Shipped | None:
    """What a mapping begins with; None for one that begins with nothing."""
    builtin = _builtin(form)
    return builtin.get(mapping) or builtin.get(_found(form.draft, ("mapping", mapping, "like")) or "")
