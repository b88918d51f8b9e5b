"""`python -m tests.clients [--write] [driver ...]`: run clients against the sandbox and print what works."""

import argparse
import sys
from collections.abc import Sequence

from tests.clients.drivers import ROOT, CannotRunError, Result, drivers, missing_tool, run
from tests.clients.table import lines, page

_PAGE = ROOT / "docs" / "compatibility.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Whether all that ran went well: 0, else 1."""
    parser = argparse.ArgumentParser(prog="make test-clients")
    parser.add_argument("--write", action="store_true", help="write docs/compatibility.md")
    parser.add_argument("driver", nargs="*", help="only these")
    wanted = parser.parse_args(arguments)
    results: list[Result] = []
    skipped: list[str] = []
    broken: list[str] = []
    for driver in drivers():
        if wanted.driver and driver.name not in wanted.driver:
            continue
        if (tool := missing_tool(driver)) is not None:
            skipped.append(f"{driver.name}: this machine has no {tool}")
            continue
        print(f"{driver.name} ...", file=sys.stderr, flush=True)
        try:
            results.append(run(driver))
        except CannotRunError as error:
            broken.append(f"{driver.name}: {error}")
    print("\n".join(lines(results)))
    failed = [f"{one.client}, {name}: {why}" for one in results for name, why in one.failures.items()]
    passed = sum(len(one.features) for one in results) - len(failed)
    for mark, notices in (("SKIPPED", skipped), ("BROKEN", broken), ("FAILED", failed)):
        for notice in notices:
            print(f"\n!!! {mark} {notice}")
    if wanted.write and not (skipped or broken or failed or wanted.driver):
        _PAGE.write_text(page(results), encoding="utf-8")
    print(f"\n{passed} passed, {len(failed) + len(broken)} failed, {len(skipped)} skipped")
    return 1 if failed or broken or not results else 0


if __name__ == "__main__":
    sys.exit(main())
