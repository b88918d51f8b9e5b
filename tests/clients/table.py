"""What clients can do, as a table: a row for each feature, a column for each client."""

from collections.abc import Sequence

from tests.clients.drivers import Result

_YES, _NO, _ABSENT = "yes", "FAILED", "–"
_HEAD = """# Compatibility

What clients that others wrote do against `coupler sandbox`, unpatched. `make test-clients` runs them and prints this
table; `make test-clients ARGS=--write` writes it here. A dash: the client does not offer it, or it is not tried.

Each client gets a sandbox of its own, over https. airbyte-source-microsoft-dataverse and tap-ms-dynamics know one place
to log in: what that place answers is replaced. The first also trusts no authority of ours and is served http.
bc-cli knows one address, Microsoft's: a proxy leads from there to the sandbox, which answers to that name.
"""


def lines(results: Sequence[Result]) -> list[str]:
    """The tables, one for each system, with columns of even width; then what there is to say of single features."""
    found: list[str] = []
    for system in sorted({one.against for one in results}):
        chosen = [one for one in results if one.against == system]
        found += ["", f"## {system}", "", *_table(chosen)]
        notes = [
            f"- {one.client}, {name}: {detail}"
            for one in chosen
            for name, (ok, detail) in one.features.items()
            if ok and detail
        ]
        found += ["", *notes] if notes else []
    return found


def page(results: Sequence[Result]) -> str:
    """The text of docs/compatibility.md."""
    return "\n".join([_HEAD.rstrip("\n"), *lines(results)]) + "\n"


def _table(results: Sequence[Result]) -> list[str]:
    names = dict.fromkeys(name for one in sorted(results, key=lambda one: -len(one.features)) for name in one.features)
    rows = [["", *(f"{one.client} {one.version}" for one in results)]]
    rows += [[name, *(_cell(one, name) for one in results)] for name in names]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rows.insert(1, ["-" * width for width in widths])
    return [f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |" for row in rows]


def _cell(result: Result, name: str) -> str:
    if name not in result.features:
        return _ABSENT
    return _YES if result.features[name][0] else _NO
