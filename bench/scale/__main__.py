"""`python -m bench.scale`: how long a full synchronization takes. Each figure that goes in is an option."""

import argparse
import sys
from collections.abc import Sequence

from bench.report import put
from bench.results import ROOT
from bench.scale.assumptions import Assumptions
from bench.scale.table import SIZES, lines

PAGE = ROOT / "docs" / "scale.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """0; 2 for figures with which nothing can be computed."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/scale.md")
    parser.add_argument("--records", type=int, nargs="+", default=SIZES, help="of all seven jobs together")
    for one in Assumptions().told():
        text = f"{one.unit} {one.text} (default: {one.value:g})".strip().replace("%", "%%")
        parser.add_argument(f"--{one.name.replace('_', '-')}", type=float, default=one.value, help=text)
    wanted = vars(parser.parse_args(arguments))
    write, records = wanted.pop("write"), wanted.pop("records")
    if min(records) < 1:
        parser.error("--records must be 1 or more")
    try:
        given = Assumptions(**wanted)
    except ValueError as error:
        parser.error(str(error))
    text = "\n".join(lines(given, records))
    print(text)
    if write:
        put(text, PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
