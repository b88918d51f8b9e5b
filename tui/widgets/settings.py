"""What a mapping says and how it stands as rows, and as what is said about one of them; pure."""

from collections.abc import Iterable, Sequence

from engine.model.detail import Differs, MappingDetail, Setting
from engine.model.mapping import Direction
from tui import format as fmt
from tui import plain
from tui.look import Look
from tui.text import LONG, safe
from tui.widgets.columns import WIDE, Column, Row
from tui.widgets.line import hanging

_NOW = "Now"
_ABOUT = 5


def columns(width: int) -> Sequence[Column]:
    """The columns of the lines."""
    if width >= WIDE:
        return (Column("", 27), Column("", 45), Column("Differs", 9), Column("Default", 37))
    return (Column("", 25), Column("", 28), Column("Differs", 8), Column("Default", 17))


def lines(found: MappingDetail, look: Look) -> list[tuple[str, Setting]]:
    """All lines, each with its key: how it stands first."""
    every = (*standing(found, look), *found.settings)
    return [(f"{at} {one.name}", one) for at, one in enumerate(every)]


def rows(found: MappingDetail, look: Look) -> list[Row]:
    """A row for each line, and one above each section."""
    made: list[Row] = []
    section = ""
    every = lines(found, look)
    for key, one in every:
        if one.section != section:
            section = one.section
            mine = [other for _, other in every if other.section == section]
            made.append(Row(f"#{section}", (section, _sum(mine), "", "")))
        made.append(Row(key, (f"  {one.name}", _value(one), str(one.differs), one.default)))
    return made


def sections(found: MappingDetail, look: Look) -> list[int]:
    """The rows that are sections, by their numbers."""
    return [at for at, row in enumerate(rows(found, look)) if row.key.startswith("#")]


def differing(settings: Iterable[Setting]) -> str:
    """`3 differ from the default`; what is off by default and stays so does not."""
    number = sum(_differs(one) for one in settings)
    return f"{fmt.count(number) if number else 'nothing'} differ{'s' * (number <= 1)} from the default"


def _differs(one: Setting) -> bool:
    return one.differs is not Differs.NOT and one.default != str(one.differs)


def _sum(mine: Sequence[Setting]) -> str:
    if mine[0].section == _NOW:
        return ""
    number = sum(map(_differs, mine))
    count = fmt.many(len(mine), "field") if mine[0].section == "Fields" else ""
    differ = f"{fmt.count(number)} differ{'s' * (number == 1)}" if number else ""
    return ", ".join(filter(None, (count, differ)))


def _value(one: Setting) -> str:
    return f"{_arrow(one.direction)} {one.value}" if one.section == "Fields" else one.value


def _arrow(direction: Direction | None) -> str:
    return "  " if direction is None else direction.arrow


def standing(found: MappingDetail, look: Look) -> list[Setting]:
    """How a mapping stands in the store; `change` says what is done about it here."""
    one, ledger = found.standing, found.ledger
    off = Differs.NOT if one.only_coupled else Differs.CHANGED
    turn = f"O turns it, as `coupler mappings {one.name} --only-coupled` does."
    retry = " `coupler retry` lets the skipped ones take part again." if ledger.skipped else ""
    skipped = f", {fmt.count(ledger.skipped)} skipped" if ledger.skipped else ""
    return [
        Setting(_NOW, "Tables", f"{one.nav_table} {one.direction.arrow} {one.crm_table}"),
        Setting(_NOW, "Only coupled", plain.flag(one), off, "" if one.only_coupled else "on", more=turn),
        Setting(_NOW, "Coupled", fmt.many(one.coupled, "record"), more="o lists them."),
        *_counted(found, look),
        Setting(
            _NOW, "Failed the last time", f"{fmt.many(ledger.failed, 'record')}{skipped}", more=f"e shows why.{retry}"
        ),
        Setting(_NOW, "Conflicts", fmt.many(ledger.conflicts, "record"), more="c on the first screen shows them."),
        _last(found),
    ]


def _counted(found: MappingDetail, look: Look) -> list[Setting]:
    """Records without a partner, as the newest plan counted them, if nothing was done since."""
    last = found.standing.last
    done = None if last is None else last.ended or last.started
    if found.counted is None or (done is not None and found.counted_at is not None and found.counted_at < done):
        when, known = "yet" if found.counted is None else "since last run", found.standing.not_coupled
        text = f"not counted {when}" if known is None else f"{fmt.many(known, 'record')} that failed"
        return [Setting(_NOW, "Not coupled", text, more="p on the first screen counts both sides.")]
    created = {one.direction: one.counters.inserted for one in found.counted.passes}
    parts = [
        f"{fmt.count(created[way])} in {side}"
        for way, side in ((Direction.TO_INTEGRATION_TABLE, "NAV"), (Direction.FROM_INTEGRATION_TABLE, "CRM"))
        if way in created
    ]
    match = (
        f", and {fmt.many(found.counted.counters.coupled, 'pair')} that match" if found.counted.counters.coupled else ""
    )
    at = fmt.stamp(found.counted_at, found.now, utc=look.utc)
    return [
        Setting(_NOW, "Not coupled", ", ".join(parts), more=f"Counted {at}{match}; p on the first screen counts again.")
    ]


def _last(found: MappingDetail) -> Setting:
    one = found.standing
    if one.last is None or one.last_counters is None:
        return Setting(_NOW, "Last run", "never")
    sums = one.last_counters
    names = ("read", "inserted", "modified", "unchanged", "skipped", "failed")
    more = ", ".join(f"{name} {fmt.count(getattr(sums, name))}" for name in names)
    when = fmt.ago(one.last.ended or one.last.started, found.now)
    more = f"{more}. {one.last.message}".rstrip()
    return Setting(_NOW, "Last run", f"{one.last.run} {one.last_state or fmt.NONE}, {when} ago", more=more)


def about(one: Setting, width: int) -> list[str]:
    """Five lines at most: what a line says, what it says by default, and the key of config.toml that changes it."""
    default = f"   (default: {one.default})" if one.differs is not Differs.NOT and one.default else ""
    parts = hanging(safe(f"{one.name}: {_value(one).strip()}{default}", LONG), width, 2)
    change = hanging(safe(f"config.toml: {one.change}", LONG), width, 2) if one.change else []
    room = _ABOUT - len(parts) - len(change)
    return [*parts, *(hanging(safe(one.more, LONG), width, room) if one.more and room > 0 else []), *change]


def everything(one: Setting) -> list[str]:
    """A line in full."""
    default = [f"Default   {one.default}"] if one.differs is not Differs.NOT else []
    change = ["", "It is changed in config.toml:", f"  {one.change}"] if one.change else []
    return [_value(one).strip(), *default, *([one.more] if one.more else []), *change]
