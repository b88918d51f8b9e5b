"""A side that was set back to an older copy ends the real command before it writes (reference/reliability.md, F27)."""

from collections.abc import Callable

from tests.runs.company import QUIETLY, Company

Make = Callable[..., Company]


def test_commands_that_find_many_partners_gone_end_with_8_and_write_nothing(make: Make) -> None:
    company = make("--demo-size", "120")
    assert company.coupler("run", *QUIETLY).returncode == 1
    pairs = company.lines("couplings")
    gone = [one["accountid"] for one in company.crm("accounts", "accountid")][:60]
    assert len(gone) == 60
    for id in gone:
        company.remove("accounts", id)
    before = len(company.audit())
    for command in (("sync",), ("run", "--plain", *QUIETLY)):
        done = company.coupler(*command)
        assert done.returncode == 8, done.stderr
        assert "CUSTOMER: " in done.stderr
        assert "couplings have lost a record" in done.stderr
        assert "`coupler broken --mapping CUSTOMER`" in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr
        assert company.audit(before) == []
        assert company.lines("couplings") == pairs
