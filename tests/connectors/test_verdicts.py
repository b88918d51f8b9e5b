from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from engine.connectors.protocol import Status, Write, WriteKind
from engine.connectors.verdicts import Fault, Verdict, fault, judge, refused, retry_after

ID = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
OTHER = "ffffffff-4e5f-6071-8293-a4b5c6d7e8f9"
CREATE = Write("k", WriteKind.CREATE, "accounts", ID, {})
UPDATE = Write("k", WriteKind.UPDATE, "accounts", ID, {})


@pytest.mark.parametrize(
    ("status", "code", "on_create", "on_update"),
    [
        # Dataverse
        (412, "0x80040237", Status.EXISTS, Status.REJECTED),
        (400, "0x80040237", Status.EXISTS, Status.REJECTED),
        (412, "0x80060882", Status.REJECTED, Status.STALE),
        (412, "0x80060892", Status.REJECTED, Status.REJECTED),
        (412, "0x80040333", Status.REJECTED, Status.REJECTED),
        (412, "", Status.EXISTS, Status.STALE),
        (404, "0x80040217", Status.REJECTED, Status.MISSING),
        (404, "0x80060891", Status.REJECTED, Status.MISSING),
        (404, "0x80060888", Status.REJECTED, Status.REJECTED),
        (404, "", Status.REJECTED, Status.MISSING),
        (403, "0x80040220", Status.REJECTED, Status.REJECTED),
        (403, "", Status.REJECTED, Status.REJECTED),
        (400, "0x80044331", Status.REJECTED, Status.REJECTED),
        (405, "0x80040227", Status.REJECTED, Status.REJECTED),
        (400, "0x80044150", Status.UNKNOWN, Status.UNKNOWN),
        (500, "0x80044151", Status.UNKNOWN, Status.UNKNOWN),
        # NAV
        (409, "Request_EntityChanged", Status.REJECTED, Status.STALE),
        (400, "Request_EntityChanged", Status.REJECTED, Status.STALE),
        (409, "", Status.EXISTS, Status.STALE),
        (400, "Internal_EntityWithSameKeyExists", Status.EXISTS, Status.REJECTED),
        (409, "Internal_EntityWithSameKeyExists", Status.EXISTS, Status.REJECTED),
        (404, "Internal_RecordNotFound", Status.REJECTED, Status.MISSING),
        (400, "Internal_RecordNotFound", Status.REJECTED, Status.MISSING),
        (400, "Application_StringExceededLength", Status.REJECTED, Status.REJECTED),
        # both
        *((status, "", Status.UNKNOWN, Status.UNKNOWN) for status in (100, 408, 500, 502, 503, 504)),
    ],
)
def test_a_refused_write_is_classified_by_code_then_by_status(
    status: int, code: str, on_create: Status, on_update: Status
) -> None:
    problem = Fault(code, "why")
    verdict = judge(status, code)
    results = [refused(write, verdict, problem) for write in (CREATE, UPDATE)]
    assert [one.status for one in results] == [on_create, on_update]
    assert {(one.key, one.id, one.code, one.message) for one in results} == {("k", ID, code, "why")}


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [
        (200, "", Verdict.OK),
        (204, "", Verdict.OK),
        (302, "", Verdict.FATAL),
        (401, "", Verdict.DENIED),
        (400, "Authentication_InvalidCredentials", Verdict.DENIED),
        (404, "Internal_CompanyNotFound", Verdict.FATAL),
        (429, "", Verdict.THROTTLED),
        (503, "0x80072322", Verdict.THROTTLED),
        (429, "Unknown", Verdict.THROTTLED),
        (429, "0x80040237", Verdict.THROTTLED),
        (413, "", Verdict.REJECTED),
        (999, "", Verdict.UNKNOWN),
    ],
)
def test_an_answer_is_judged(status: int, code: str, verdict: Verdict) -> None:
    assert judge(status, code) is verdict


def test_a_row_is_missing_only_when_the_message_is_about_that_row() -> None:
    """A lookup that leads nowhere is a 404 too, and must not look as if the partner had been deleted."""
    for message, status in (
        (f"account With Id = {ID.upper()} Does Not Exist", Status.MISSING),
        (f"contact With Id = {OTHER} Does Not Exist", Status.REJECTED),
        ("The Customer does not exist. Identification fields and values: No.='1'", Status.MISSING),
    ):
        assert refused(UPDATE, Verdict.MISSING, Fault("0x80040217", message)).status is status


def test_an_error_body_gives_code_and_message_without_the_correlation_id() -> None:
    body = {"error": {"code": "Unknown", "message": f"It is so.  CorrelationId:  {ID}."}}
    assert fault(body) == Fault("Unknown", "It is so.")
    assert fault({"error": {"code": "c" * 999, "message": "m" * 9999}}) == Fault("c" * 128, "m" * 2000)


@pytest.mark.parametrize("body", [None, [], "x", {}, {"error": "no"}, {"error": {"code": 5, "message": []}}])
def test_other_bodies_give_nothing(body: object) -> None:
    assert fault(body) == Fault()


SERVER_NOW = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("1000000000", 1e9),
        ("-3", None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1e9", None),
        ("٧", None),
        (format_datetime(SERVER_NOW + timedelta(seconds=9), usegmt=True), 9.0),
        (format_datetime(SERVER_NOW - timedelta(seconds=9), usegmt=True), None),
        ("Wed, 99 Foo 2020 99:99:99 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_by_the_servers_own_clock(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text, "date": format_datetime(SERVER_NOW, usegmt=True)}) == seconds


def test_a_date_counts_from_our_clock_when_the_server_tells_none() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    found = retry_after({"retry-after": soon})
    assert found is not None
    assert 25 < found <= 30
