"""What a mapping says, beside what it says by default, with the keys of config.toml that change it."""

import re
from collections.abc import Iterator, Sequence

from engine.config.fields import NEEDED
from engine.config.listing import FieldRow, condition_text, field_rows, mapping_settings, rule_text
from engine.config.settings import Settings
from engine.mapping.defaults import default_mappings, default_schedule
from engine.mapping.wording import served
from engine.model.detail import Differs, Setting
from engine.model.mapping import Condition, FieldMapping, MatchRule, Table, TableMapping, Template

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_POLICIES = {
    "conflict": "Both sides changed",
    "deletion": "Partner deleted",
    "create_unmatched": "Match jobs create",
    "sync_after_coupling": "Match jobs write",
}
_FIXED = "the special handling needs it as it is"
_FLAGS = {
    "create_only": "written with a new record only",
    "initial": "written when a record is made or coupled",
    "derived": "made by the special handling",
    "seed": "a new record on the other side starts with it too",
    "not_null": "a blank leaves the other side as it is",
    "clear_on_fail": "cleared where it cannot be carried over",
    "case_sensitive": "matched with case",
}


def mapping_detail(settings: Settings, name: str) -> tuple[Setting, ...]:
    """All that a mapping says, section by section."""
    mapping = next(one for one in settings.mappings if one.name == name)
    version = settings.nav.version
    shipped = default_mappings(version)
    if settings.nav.kind == "api":
        shipped, _ = served(shipped)
    default = next((one for one in shipped if one.name == name), None)
    key = mapping_key(name)
    return (
        *_own(mapping, default, key),
        *_schedule(settings, name),
        *_policies(mapping, default, key),
        *_filters(mapping, default, key),
        *_matching(mapping, default, key),
        *_templates(mapping, key),
        *_options(mapping),
        *_fields(settings, mapping, key),
    )


def mapping_key(name: str) -> str:
    """The header of the table of a mapping in config.toml."""
    return f"[mapping.{_quoted(name)}]"


def _quoted(name: str) -> str:
    return name if _BARE.fullmatch(name) else f'"{name}"'


def _setting(section: str, name: str, value: str, default: str | None, change: str, more: str = "") -> Setting:
    """A setting that has a default, or none because the whole mapping has none."""
    if default is None or value == default:
        return Setting(section, name, value, change=change, more=more)
    return Setting(section, name, value, Differs.CHANGED, default, change, more)


def _own(mapping: TableMapping, default: TableMapping | None, key: str) -> Iterator[Setting]:
    section = "Tables and direction"
    both = [("NAV", mapping.nav, default and default.nav), ("CRM", mapping.crm, default and default.crm)]
    for side, table, usual in both:
        own = side.lower()
        yield _setting(
            section, f"{side} table", _table(table), usual and _table(usual), f'{own} = {{ entity = "..." }} in {key}'
        )
        yield _setting(
            section,
            f"{side} key, number, name",
            _names(table),
            usual and _names(usual),
            f'{own} = {{ key = "...", number = "...", name = "..." }} in {key}',
        )
    now, before = mapping_settings(mapping), default and mapping_settings(default)
    fixed = mapping.crm.entity == "systemusers"
    yield _setting(
        section,
        "Direction",
        str(mapping.direction),
        default and str(default.direction),
        "" if fixed else f"direction in {key}",
        "CRM users are never made or changed, so it stays as it is." if fixed else "",
    )
    yield _setting(
        section, "Waits for", _listed(now["depends"]), before and _listed(before["depends"]), f"depends in {key}"
    )


def _schedule(settings: Settings, name: str) -> Iterator[Setting]:
    usual = default_schedule().timing(name).text
    change = f"every or cron in [schedule.{_quoted(name)}]"
    yield _setting("Tables and direction", "Schedule", settings.schedule.timing(name).text, usual, change)


def _policies(mapping: TableMapping, default: TableMapping | None, key: str) -> Iterator[Setting]:
    now, before = mapping_settings(mapping), default and mapping_settings(default)
    for name, title in _POLICIES.items():
        yield _setting("Policies", title, _word(now[name]), before and _word(before[name]), f"{name} in {key}")


def _filters(mapping: TableMapping, default: TableMapping | None, key: str) -> Iterator[Setting]:
    both = [("NAV", mapping.nav, default and default.nav), ("CRM", mapping.crm, default and default.crm)]
    for side, table, usual in both:
        name = f"{side.lower()}_filter"
        yield _setting(
            "Filters",
            f"{side} filter",
            _conditions(table.filter),
            usual and _conditions(usual.filter),
            f"{name} in {key}",
        )
    for side, table, usual in both:
        name = f"{side.lower()}_match_filter"
        yield _setting(
            "Filters",
            f"{side} match filter",
            _conditions(table.match_filter),
            usual and _conditions(usual.match_filter),
            f"{name} in {key}",
            "Which uncoupled records may be found as partners.",
        )


def _matching(mapping: TableMapping, default: TableMapping | None, key: str) -> Iterator[Setting]:
    change = f"match in {key}"
    usual = mapping.match if default is None else default.match
    for number, rule in enumerate(mapping.match, 1):
        before = usual.index(rule) + 1 if rule in usual else 0
        differs = Differs.NOT if before == number else Differs.CHANGED if before else Differs.ADDED
        place = f"rule {before}" if before and before != number else ""
        yield Setting("Matching", f"Rule {number}", _rule(rule), differs, place, change)
    for rule in usual:
        if rule not in mapping.match:
            yield Setting("Matching", "Rule", _rule(rule), Differs.OFF, f"rule {usual.index(rule) + 1}", change)
    if not mapping.match and not usual:
        yield Setting("Matching", "Rules", "none", change=change)


def _templates(mapping: TableMapping, key: str) -> Iterator[Setting]:
    for number, one in enumerate(mapping.templates, 1):
        yield Setting("Templates", f"Template {number}", _template(one), Differs.ADDED, "none", f"templates in {key}")


def _options(mapping: TableMapping) -> Iterator[Setting]:
    for one in mapping.options:
        name = _quoted(one.name.replace(" ", "_"))
        for code, value in one.pairs:
            yield Setting("Options", f"{one.name} {code}", str(value), Differs.ADDED, "by label", f"[options.{name}]")


def _fields(settings: Settings, mapping: TableMapping, key: str) -> Iterator[Setting]:
    left_out = {place: reason for place, _, reason in (line.partition(": ") for line in settings.left_out)}
    for row in field_rows(settings, mapping.name):
        one = row.field
        names = " = ".join(filter(None, (one.nav, one.crm)))
        reason = left_out.get(f"mapping.{mapping.name}.fields.{names}", "")
        fixed = one.derived or one.crm in NEEDED.get(mapping.handling, ())
        yield Setting(
            "Fields",
            one.nav or _constant(one),
            one.crm or _constant(one),
            _differs(row),
            _default(row),
            "" if reason or fixed else _where(one, key),
            "; ".join(filter(None, (reason or (_FIXED if fixed else ""), _more(row)))),
            None if row.direction == "off" else one.direction,
        )


def _differs(row: FieldRow) -> Differs:
    if row.direction == "off":
        return Differs.OFF
    if not row.differs:
        return Differs.NOT
    return Differs.ADDED if row.differs == ("added",) else Differs.CHANGED


def _default(row: FieldRow) -> str:
    """What the field is by default: `direction both, crm_length 160`."""
    if row.direction == "off" and not row.differs:
        return "off"
    parts = (text.partition(": ") for text in row.differs if ": " in text)
    return ", ".join(f"{name} {change.partition(' -> ')[0]}" for name, _, change in parts)


def _where(one: FieldMapping, key: str) -> str:
    names = ", ".join(f'{side} = "{name}"' for side, name in (("nav", one.nav), ("crm", one.crm)) if name)
    return f"fields = [{{ {names}, ... }}] in {key}"


def _more(row: FieldRow) -> str:
    one = row.field
    parts = [str(one.kind)]
    if one.nav_length or one.crm_length:
        parts.append(f"at most {one.nav_length or 'any'} characters in NAV, {one.crm_length or 'any'} in CRM")
    if one.lookup:
        parts.append(f"looked up through {one.lookup}")
    if one.options:
        parts.append(f"options {one.options}")
    parts += [text for name, text in _FLAGS.items() if getattr(one, name)]
    parts += [] if one.validate else ["sent last"]
    parts += [rule_text(step) for step in one.transforms]
    return "; ".join(parts)


def _constant(one: FieldMapping) -> str:
    return "(special handling)" if one.constant is None else f"constant {one.constant!r}"


def _table(table: Table) -> str:
    return table.caption if table.caption == table.entity else f"{table.caption} ({table.entity})"


def _names(table: Table) -> str:
    return f"{table.key}, {table.number}, {table.name}"


def _conditions(found: Sequence[Condition]) -> str:
    return ", ".join(map(condition_text, found)) or "none"


def _rule(rule: MatchRule) -> str:
    return " and ".join(f"{nav} = {crm}" for nav, crm in rule.pairs)


def _template(one: Template) -> str:
    values = ", ".join(f"{name} = {value!r}" for name, value in one.values)
    when = f" where {_conditions(one.conditions)}" if one.conditions else ""
    return f"new in {one.side.upper()}{when}: {values}"


def _listed(names: object) -> str:
    return ", ".join(map(str, names)) if isinstance(names, list) and names else "nothing"


def _word(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
