"""Power cuts: the disk that they are tried on, what is read from a trace, and some images of a run."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.reliability.disk import Cut, Disk, Gone, Made, Sync, Write
from tests.reliability.powerloss import Recording, calls, cut_power, record, recorded
from tests.reliability.straced import missing
from tests.reliability.wire import Request, Sent, take

STORE = Path("/home/me/x.db")


def images(disk: Disk) -> set[tuple[tuple[str, bytes], ...]]:
    return {tuple(sorted(disk.cut_power(random.Random(seed)).items())) for seed in range(300)}


def test_what_was_synced_stays_and_any_part_of_the_rest_may() -> None:
    disk = Disk({"a": b"...."})
    disk.do([Write("a", 0, b"12"), Sync("a"), Write("a", 2, b"34"), Write("a", 0, b"5")])
    assert images(disk) == {(("a", content),) for content in (b"12..", b"1234", b"52..", b"5234")}


def test_a_write_may_be_torn_between_any_two_sectors() -> None:
    disk = Disk({"a": bytes(1024)})
    disk.do([Write("a", 500, b"x" * 24)])
    assert {content[0][1][500:524] for content in images(disk)} == {
        head + tail for head in (bytes(12), b"x" * 12) for tail in (bytes(12), b"x" * 12)
    }


def test_names_come_and_go_in_their_order_once_their_folder_is_synced() -> None:
    disk = Disk({"a": b"a"})
    disk.do([Made("b"), Write("b", 0, b"b"), Sync("b"), Gone("a")])
    assert {tuple(name for name, _ in one) for one in images(disk)} == {("a",), ("a", "b"), ("b",)}
    disk.do([Sync(), Cut("b", 0), Sync("b")])
    assert images(disk) == {(("b", b""),)}


def line(thread: int, text: str) -> str:
    """A line of a trace, with its texts as strace gives them."""
    parts = text.split("'")
    parts[1::2] = ["".join(f"\\x{byte:02x}" for byte in part.encode()) for part in parts[1::2]]
    return f"{thread}   {''.join(parts)}\n"


def test_a_trace_says_what_was_written_synced_and_sent() -> None:
    body = '{"requests":[{"method":"POST","url":"Company(1)/Customer","body":{"CRM_Id":"1A"}}]}'
    head = f"POST /nav/$batch HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n"
    trace = [
        line(1, f"openat(AT_FDCWD<'/'>, \"'{STORE}-wal'\", O_RDWR|O_CREAT, 0600) = 4<'{STORE}-wal'>"),
        line(1, f"pwrite64(4<'{STORE}-wal'>, \"'abc'\", 3, 7 <unfinished ...>"),
        line(2, f"sendto(9<'socket:[5]'>, \"'{head}'\", 3, 0, NULL, 0) = {len(head)}"),
        line(1, "<... pwrite64 resumed>)            = 2"),
        line(1, f"fdatasync(4<'{STORE}-wal'> <unfinished ...>"),
        line(2, f"sendto(9<'socket:[5]'>, \"'{body}'\", 3, 0, NULL, 0) = {len(body)}"),
        line(1, "<... fdatasync resumed>)            = 0"),
        line(1, f"fdatasync(5<'{STORE.parent}'>) = -1 EIO (Input/output error)"),
        line(1, f"pwrite64(6<'{STORE}-shm'>, \"'abc'\", 3, 0) = 3"),
        line(1, f"unlink(\"'{STORE}-wal'\") = 0"),
    ]
    found = recorded({"x.db": b""}, STORE, list(calls(trace)))
    assert found.deeds == [
        (0, Made("x.db-wal")),
        (1, Write("x.db-wal", 7, b"ab")),
        (6, Sync("x.db-wal")),
        (9, Gone("x.db-wal")),
    ]
    assert found.sent == [(2, Sent("create", "Customer", "1a"))]


ID = "0a1b2c3d-4e5f-6071-8293-000000000001"
BATCH = (
    f"--b\r\nContent-ID: 1\r\n\r\nPATCH /api/accounts({ID}) HTTP/1.1\r\nIf-None-Match: *\r\n\r\n{{}}\r\n"
    f"--b\r\nContent-ID: 2\r\n\r\nPATCH /api/contacts({ID}) HTTP/1.1\r\nIf-Match: *\r\n\r\n{{}}\r\n"
    "--b\r\nContent-ID: 3\r\n\r\nGET /api/accounts HTTP/1.1\r\n\r\n\r\n--b--\r\n"
)
MULTIPART = f'--b\r\n\r\nPOST /BC/Customer HTTP/1.1\r\nAccept: x\r\n\r\n{{"Name":"x","CRM_Id":"{ID}"}}\r\n--b--\r\n'


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", "/api/accounts", "", []),
        ("POST", "/api/$batch", BATCH, [Sent("create", "accounts", ID), Sent("patch", "contacts", ID)]),
        ("POST", "/api/accounts/Microsoft.Dynamics.CRM.CreateMultiple",
         f'{{"Targets":[{{"@odata.type":"Microsoft.Dynamics.CRM.account","accountid":"{ID}"}}]}}', [Sent("create", "accounts", ID)]),
        ("POST", "/nav/$batch", f'{{"requests":[{{"method":"PATCH","url":"Company(1)/Item({ID})"}},{{"method":"GET","url":"x"}}]}}',
         [Sent("patch", "Item", ID)]),
        ("POST", "/nav/$batch", MULTIPART, [Sent("create", "Customer", ID)]),
        ("POST", "/api/accounts", "{}", [Sent("create", "accounts", "")]),
        ("DELETE", "/api/accounts(1)", "", [Sent("delete", "/api/accounts(1)", "")]),
    ],
)  # fmt: skip
def test_a_request_says_what_it_writes(method: str, path: str, body: str, expected: list[Sent]) -> None:
    assert Request(method, path, body.encode()).writes == expected


def test_requests_are_taken_from_a_connection_once_they_are_whole() -> None:
    data = b"PUT /a?b=c HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /"
    assert take(data) == (Request("PUT", "/a", b"abc"), b"GET /")
    assert take(data[:44]) == (None, data[:44])
    assert take(b"GET /") == (None, b"GET /")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    if reason := missing():
        pytest.skip(f"no run can be recorded here: {reason}")
    return record(tmp_path_factory.mktemp("run"), "--demo-size", "5")


def test_no_power_cut_damages_the_store_or_has_it_forget_what_was_sent(run: Recording) -> None:
    assert len({one for _, one in run.sent}) > 100
    found = cut_power(run, 60)
    assert found.faults == []
    assert found.looked_at == 60


def test_a_store_that_does_not_wait_for_the_disk_forgets_and_that_is_seen(run: Recording) -> None:
    careless = replace(run, deeds=[(at, one) for at, one in run.deeds if not isinstance(one, Sync)])
    assert cut_power(careless, 20).forgetful > 5


def test_requests_that_are_sent_before_they_are_noted_are_seen(run: Recording) -> None:
    hasty = replace(run, sent=[(at - 60, one) for at, one in run.sent])
    assert cut_power(hasty, 40).forgetful > 5
