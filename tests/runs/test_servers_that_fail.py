"""Servers that are down, or are something else: one clear line, exit code 3, and the run can be resumed.

This file is the last of its folder: what it looks at has gone on meanwhile (`broken`).
"""

import json

import pytest

from tests.runs.broken import Broken
from tests.runs.company import QUIETLY, counted, result
from tests.runs.made import made_twice

PATIENCE = 110


@pytest.mark.parametrize(
    ("what", "address", "code"),
    [
        ("html", "/api/data/v9.2", "connection"),
        ("redirect", "/api/data/v9.2", "connection"),
        ("cut", "/api/data/v9.2/accounts", "connection"),
        ("down", "http://127.0.0.1:1/api/data/v9.2", "connection"),
        ("token", "/BC/ODataV4/", "access"),
    ],
)
def test_what_is_wrong_with_a_server_is_one_line_and_the_run_goes_on_later(
    broken: dict[str, Broken], what: str, address: str, code: str
) -> None:
    one = broken[what]
    company = one.company
    out, said = one.process.communicate(timeout=PATIENCE)
    assert one.process.returncode == 3, said
    found = json.loads(out.splitlines()[-1])
    assert (found["state"], found["code"], found["exit"]) == ("stopped", code, 3)
    lines = [line for line in said.splitlines() if "http://127.0.0.1:" in line]
    assert len(lines) == 1, said
    assert address in lines[0]
    log = next((company.folder / "state").rglob("engine-*.log")).read_text()
    for text in (out, said, log):
        assert company.token not in text
        assert "canary" not in text
        assert "\x1b" not in text
        assert "Traceback" not in text
    if what == "cut":
        states = [each["state"] for each in found["jobs"]]
        assert states[:3] == ["PART", "OK", "OK"]
        assert states[4:] == ["WAIT"] * 3
    else:
        assert company.audit() == []
    if what == "down":
        return
    one.mend()
    done = company.coupler("resume", *QUIETLY, "--json")
    assert done.returncode == 1, done.stderr
    assert result(done)["state"] == "finished"
    audit = company.audit()
    assert counted(audit, "create")
    assert made_twice(audit) == ()
