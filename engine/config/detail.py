"""What a mapping says, beside what it says by default, with the keys of config.toml that change it."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

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
    both, key = _Beside(mapping, default), mapping_key(name)
    return (
        *_own(both, key),
        *_schedule(settings, name),
        *_policies(both, key),
        *_filters(both, key),
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


@dataclass(frozen=True, slots=True)
class _Beside:
    """A mapping and its default, None where it has none: then nothing differs."""

    mapping: TableMapping
    default: TableMapping | None

    def setting(
        self,
        section: str,
        name: str,
        read: Callable[[TableMapping], str],
        change: str,
        more: str = "",
        *,
        key: str = "",
    ) -> Setting:
        """What both say of one thing."""
        value = read(self.mapping)
        before = value if self.default is None else read(self.default)
        if value == before:
            return Setting(section, name, value, change=change, more=more, key=key)
        return Setting(section, name, value, Differs.CHANGED, before, change, more, key=key)


def _own(both: _Beside, key: str) -> Iterator[Setting]:
    section = "Tables and direction"
    entity, names = 'entity = "..."', 'key = "...", number = "...", name = "..."'
    yield Setting(section, "Takes part", "yes", change=f"enabled in {key}", key="enabled")
    yield both.setting(
        section, "NAV table", lambda one: _table(one.nav), f"nav = {{ {entity} }} in {key}", key="nav.entity"
    )
    yield both.setting(section, "NAV key, number, name", lambda one: _names(one.nav), f"nav = {{ {names} }} in {key}")
    yield both.setting(
        section, "CRM table", lambda one: _table(one.crm), f"crm = {{ {entity} }} in {key}", key="crm.entity"
    )
    yield both.setting(section, "CRM key, number, name", lambda one: _names(one.crm), f"crm = {{ {names} }} in {key}")
    fixed = both.mapping.crm.entity == "systemusers"
    yield both.setting(
        section,
        "Direction",
        lambda one: str(one.direction),
        "" if fixed else f"direction in {key}",
        "CRM users are never made or changed, so it stays as it is." if fixed else "",
        key="" if fixed else "direction",
    )
    yield both.setting(
        section, "Waits for", lambda one: ", ".join(one.depends) or "nothing", f"depends in {key}", key="depends"
    )


def _schedule(settings: Settings, name: str) -> Iterator[Setting]:
    value, usual = settings.schedule.timing(name).text, default_schedule().timing(name).text
    same = value == usual
    differs, default = (Differs.NOT, "") if same else (Differs.CHANGED, usual)
    change = f"every or cron in [schedule.{_quoted(name)}]"
    yield Setting("Tables and direction", "Schedule", value, differs, default, change)


def _policies(both: _Beside, key: str) -> Iterator[Setting]:
    for name, title in _POLICIES.items():
        yield both.setting("Policies", title, partial(_policy, name), f"{name} in {key}", key=name)


def _policy(name: str, mapping: TableMapping) -> str:
    value = mapping_settings(mapping)[name]
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _filters(both: _Beside, key: str) -> Iterator[Setting]:
    partners = "Which uncoupled records may be found as partners."
    for title, more, name in (("filter", "", "filter"), ("match filter", partners, "match_filter")):
        for side in ("nav", "crm"):
            read, own = partial(_filter, side, name), f"{side}_{name}"
            yield both.setting("Filters", f"{side.upper()} {title}", read, f"{own} in {key}", more, key=own)


def _filter(side: str, name: str, mapping: TableMapping) -> str:
    return _conditions(getattr(mapping.nav if side == "nav" else mapping.crm, name))


def _matching(mapping: TableMapping, default: TableMapping | None, key: str) -> Iterator[Setting]:
    change = f"match in {key}"
    usual = mapping.match if default is None else default.match
    for number, rule in enumerate(mapping.match, 1):
        before = usual.index(rule) + 1 if rule in usual else 0
        differs = Differs.NOT if before == number else Differs.CHANGED if before else Differs.ADDED
        place = f"rule {before}" if before and before != number else ""
        yield Setting("Matching", f"Rule {number}", _rule(rule), differs, place, change, key="match")
    for rule in usual:
        if rule not in mapping.match:
            place = f"rule {usual.index(rule) + 1}"
            yield Setting("Matching", "Rule", _rule(rule), Differs.OFF, place, change, key="match")
    if not mapping.match and not usual:
        yield Setting("Matching", "Rules", "none", change=change, key="match")


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
            key="" if reason or fixed else f"{one.nav}={one.crm}",
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
