"""Option mappings: [options.PAYMENT_TERMS] gives codes of NAV and the values that they are in CRM."""

from dataclasses import replace

from engine.config.check import Table as Keys
from engine.config.check import meant, short
from engine.model.mapping import OptionMapping, TableMapping

_LONGEST = 20
_LIMIT = 2**31 - 1


def with_options(top: Keys, mappings: tuple[TableMapping, ...]) -> tuple[TableMapping, ...]:
    """The mappings, each with what the file says of the options of its fields; faults are noted in its report."""
    table = top.table("options")
    names = {
        field.options.replace(" ", "_"): field.options for one in mappings for field in one.fields if field.options
    }
    written: dict[str, OptionMapping] = {}
    for key in dict(table.items()):
        if key not in names:
            table.add(key, f"no field mapping has options of this name; {meant(key, names)}")
            continue
        written[names[key]] = OptionMapping(names[key], _pairs(table.table(key)))
    return tuple(
        replace(one, options=tuple(written[name] for name in written if name in {each.options for each in one.fields}))
        for one in mappings
    )


def _pairs(table: Keys) -> tuple[tuple[str, int], ...]:
    pairs = []
    for code in dict(table.items()):
        if not 0 < len(code.strip()) <= _LONGEST:
            table.add(code, f'"{short(code)}" must be a code of up to {_LONGEST} characters')
        pairs.append((code.strip().upper(), table.whole(code, 0, -_LIMIT, _LIMIT)))
    return tuple(pairs)
