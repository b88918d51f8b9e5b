"""Mappings as config.toml may write them: their own keys, their fields, and how these differ from the built-in ones."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from engine.config.settings import Settings
from engine.mapping.defaults import DIRECTIONS, Shipped, shipped_mappings
from engine.model.mapping import Condition, FieldMapping, TableMapping, Transformation
from engine.model.schedule import Schedule, Timing, duration_text

_WORDS = {direction: word for word, direction in DIRECTIONS.items()}
_OFF = "off"
_SIGNS = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field mapping. `direction` is to, from, both or off; `differs` says what is not as it is by default."""

    field: FieldMapping
    direction: str
    differs: tuple[str, ...]

    @property
    def rules(self) -> tuple[str, ...]:
        """The transformation rules as texts."""
        return tuple(map(rule_text, self.field.transforms))


def mapping_settings(mapping: TableMapping) -> Mapping[str, object]:
    """The keys of a mapping in config.toml with what is in effect, but for its tables, filters, rules and fields."""
    return {
        "direction": _WORDS[mapping.direction],
        "conflict": str(mapping.conflict),
        "deletion": str(mapping.deletion),
        "depends": list(mapping.depends),
        "create_unmatched": mapping.create_unmatched,
        "sync_after_coupling": mapping.sync_after_coupling,
    }


def schedule_settings(schedule: Schedule) -> Mapping[str, object]:
    """The keys of [schedule] besides those of timings."""
    zone = {} if schedule.time_zone is None else {"time_zone": schedule.time_zone}
    return {**zone, "look_every": duration_text(schedule.look_every)}


def timing_settings(timing: Timing) -> Mapping[str, object]:
    """The keys of [schedule.NAME] with what is in effect."""
    timeout = timing.inactivity_timeout
    return {
        **({"cron": timing.cron} if timing.cron else {"every": duration_text(timing.every)}),
        "inactivity_timeout": "off" if timeout is None else duration_text(timeout),
        "wake_on_change": timing.wake_on_change,
        "attempts": timing.attempts,
        "retry_delay": duration_text(timing.retry_delay),
        "enabled": timing.enabled,
    }


def condition_text(one: Condition) -> str:
    """A condition as people read it: `Blocked = ' '`."""
    value = "empty" if one.value is None or one.value == "" else repr(one.value)
    return f"{one.field} {_SIGNS[one.operator]} {value}"


def field_rows(settings: Settings, name: str) -> list[FieldRow]:
    """The field mappings of a mapping: those in use in their order, then those that are off."""
    mapping = next(one for one in settings.mappings if one.name == name)
    shipped = next((one for one in shipped_mappings(settings.nav.version) if one.mapping.name == name), None)
    if shipped is None:
        return [FieldRow(one, _WORDS[one.direction], ()) for one in mapping.fields]
    return [*_used(mapping, shipped), *_unused(mapping, shipped)]


def _used(mapping: TableMapping, shipped: Shipped) -> list[FieldRow]:
    by_pair = {(one.nav, one.crm): one for one in shipped.mapping.fields}
    extras = {(one.nav, one.crm): one for one in shipped.extras}
    rows = []
    for one in mapping.fields:
        pair = (one.nav, one.crm)
        if pair in by_pair:
            differs = _differences(by_pair[pair], one)
        elif pair in extras:
            extra = replace(extras[pair], direction=one.direction)
            differs = (f"direction: {_OFF} -> {_WORDS[one.direction]}", *_differences(extra, one))
        else:
            differs = ("added",)
        rows.append(FieldRow(one, _WORDS[one.direction], differs))
    return rows


def _unused(mapping: TableMapping, shipped: Shipped) -> list[FieldRow]:
    used = {(one.nav, one.crm) for one in mapping.fields}
    dropped = [one for one in shipped.mapping.fields if (one.nav, one.crm) not in used]
    rows = [FieldRow(one, _OFF, (f"direction: {_WORDS[one.direction]} -> off",)) for one in dropped]
    return [*rows, *(FieldRow(one, _OFF, ()) for one in shipped.extras if (one.nav, one.crm) not in used)]


def _differences(default: FieldMapping, now: FieldMapping) -> tuple[str, ...]:
    found = []
    for one in fields(FieldMapping):
        before, after = getattr(default, one.name), getattr(now, one.name)
        if before != after:
            found.append(f"{one.name}: {_shown(before)} -> {_shown(after)}")
    return tuple(found)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(rule_text(one) for one in value) or "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(_WORDS.get(value, value)) if value not in (None, "") else "none"  # type: ignore[call-overload]


def rule_text(one: Transformation) -> str:
    """A step as people read it: `replace('-', '') to`."""
    arguments = ", ".join(f"'{argument}'" for argument in one.arguments)
    return f"{one.rule}({arguments}) {_WORDS[one.direction]}"
