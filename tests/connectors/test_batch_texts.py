import contextlib
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.connectors import jsonbatch
from engine.connectors.body import Malformed
from engine.connectors.multipart import Operation, Part, correlate, parse, write
from engine.model.errors import ConnectionLost
from sandbox.crm.multipart import boundary_of, split_parts, split_request

IDS = tuple(f"0a1b2c3d-4e5f-6071-8293-{number:012d}" for number in range(1, 5))
TYPE = "multipart/mixed; boundary=batchresponse_1"


def part(status: int = 204, content_id: object = None, entity: str | None = None, body: bytes = b"") -> bytes:
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    lines += [] if content_id is None else [f"Content-ID: {content_id}"]
    lines += ["", f"HTTP/1.1 {status} Any", "OData-Version: 4.0"]
    lines += [] if entity is None else [f"OData-EntityId: https://h/api/data/v9.2/accounts({entity})"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def answer(*parts: bytes) -> bytes:
    mark = b"--batchresponse_1"
    return b"".join(mark + b"\r\n" + one + b"\r\n" for one in parts) + mark + b"--\r\n"


json_texts = st.text(st.characters(exclude_categories=["Cs"])).map(msgspec.json.encode)


@given(st.lists(json_texts, min_size=1, max_size=5))
def test_the_other_side_reads_exactly_the_operations_that_were_written(bodies: list[bytes]) -> None:
    sent = write("batch_1", [Operation("PATCH", f"/a({n})", f"If-Match: {n}\r\n", one) for n, one in enumerate(bodies)])
    boundary = boundary_of("multipart/mixed; boundary=batch_1")
    assert boundary is not None
    found = split_parts(sent, boundary)
    assert [one.headers["content-id"] for one in found] == [str(n + 1) for n in range(len(bodies))]
    for number, (one, body) in enumerate(zip(found, bodies, strict=True)):
        method, url, headers, content = split_request(one.content)
        assert (method, url, headers["if-match"], content) == ("PATCH", f"/a({number})", str(number), body)
        assert headers["content-type"] == "application/json"


@given(st.lists(st.tuples(st.integers(100, 599), st.none() | st.integers(1, 99), json_texts), max_size=6))
def test_answers_are_read_as_they_were_written(answers: list[tuple[int, int | None, bytes]]) -> None:
    body = answer(*(part(status, content_id, IDS[0], text) for status, content_id, text in answers))
    found = parse(TYPE, body, len(answers))
    expected = [
        (status, None if content_id is None else str(content_id), IDS[0], text) for status, content_id, text in answers
    ]
    assert [(one.status, one.content_id, one.entity, one.body) for one in found] == expected


@given(st.data())
def test_a_damaged_answer_is_found_out_or_harmless(data: st.DataObject) -> None:
    """Cut anywhere it is damaged; with any byte changed it is never more than what was asked for."""
    whole = answer(part(entity=IDS[0]), part(400, body=b'{"error":{}}'))
    at = data.draw(st.integers(0, len(whole) - 5))
    with pytest.raises(Malformed):
        parse(TYPE, whole[:at], 2)
    changed = bytearray(whole)
    changed[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Malformed, ConnectionLost):
        assert len(parse(TYPE, bytes(changed), 2)) <= 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--batchresponse_1--\r\n--batchresponse_1--",
        b"junk" + answer(part()),
        answer(part()) + b"junk",
        answer(part()).replace(b"HTTP/1.1 204", b"HTTP/1.1 2O4"),
        answer(part()).replace(b"HTTP/1.1 204", b"HTTP/2 204"),
        answer(part()).replace(b"HTTP/1.1 204", b"HTTP/1.1 2044"),
        answer(part()).replace(b"application/http", b"multipart/mixed; boundary=x"),
        answer(b"Content-Type: application/http"),
        answer(part().replace(b"\r\n", b"\n")),
        answer(part(entity="x" * 20_000)),
        answer(part()).replace(b"--batchresponse_1\r\n", b"--batchresponse_12\r\n"),
    ],
)
def test_what_is_no_batch_answer_is_damaged(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse(TYPE, body, 9)


@pytest.mark.parametrize(
    "content_type", ["", "text/html", "application/json", "multipart/mixed", "multipart/mixed; boundary="]
)
def test_an_answer_of_another_type_is_damaged(content_type: str) -> None:
    with pytest.raises(Malformed):
        parse(content_type, answer(part()), 1)


@pytest.mark.parametrize(
    "content_type",
    ['multipart/mixed; boundary="batchresponse_1"', "Multipart/Mixed;charset=x; BOUNDARY=batchresponse_1"],
)
def test_a_boundary_may_be_quoted(content_type: str) -> None:
    assert len(parse(content_type, answer(part()), 1)) == 1


def test_more_parts_than_were_asked_for_are_not_an_answer() -> None:
    with pytest.raises(ConnectionLost, match="more parts"):
        parse(TYPE, answer(part(), part()), 1)
    with pytest.raises(ConnectionLost, match="more parts"):
        parse(TYPE, b"\r\n--batchresponse_1" * 100_000, 1)


def test_a_header_counts_only_at_the_start_of_a_line() -> None:
    text = part(entity=IDS[0]).replace(b"OData-Version: 4.0", b"X: odata-entityid: (1) content-id: 9")
    found = parse(TYPE, answer(text), 1)[0]
    assert (found.content_id, found.entity) == (None, IDS[0])
    inner = part().replace(b"OData-Version: 4.0", b"content-id: 7")
    assert parse(TYPE, answer(inner), 1)[0].content_id == "7"


def test_retry_after_of_a_part_is_kept() -> None:
    text = part(429).replace(b"OData-Version: 4.0", b"Retry-After: 12")
    assert parse(TYPE, answer(text), 1)[0].retry_after == "12"


def _parts(*spec: tuple[str | None, str | None]) -> list[Part]:
    return [Part(204, content_id, entity, "", b"") for content_id, entity in spec]


def _found(parts: list[Part], ids: tuple[str | None, ...] = IDS) -> list[int | None]:
    by_part = {id(one): number for number, one in enumerate(parts)}
    return [None if one is None else by_part[id(one)] for one in correlate(parts, ids)]


def test_parts_are_found_by_content_id_in_any_order() -> None:
    assert _found(_parts(("3", None), ("1", None), ("4", None), ("2", None))) == [1, 3, 0, 2]
    assert _found(_parts(("3", None))) == [None, None, 0, None]


def test_without_content_id_order_counts_when_nothing_is_missing() -> None:
    assert _found(_parts((None, None), (None, IDS[1]), (None, None), (None, None))) == [0, 1, 2, 3]
    assert _found(_parts(("4", None), (None, None), (None, None), (None, None))) == [1, 2, 3, 0]


def test_without_content_id_a_part_is_missing_unless_the_others_name_their_rows() -> None:
    assert _found(_parts((None, IDS[0]), (None, None), (None, IDS[3]))) == [0, None, None, 2]
    assert _found(_parts((None, None), (None, None))) == [None] * 4
    assert _found([]) == [None] * 4


@pytest.mark.parametrize(
    "spec",
    [
        [("1", None), ("1", None)],
        [("0", None)],
        [("5", None)],
        [("9" * 9999, None)],
        [("-1", None)],
        [("x", None)],
        [("²", None)],
        [("1", IDS[1])],
        [(None, IDS[1]), (None, IDS[0]), (None, None), (None, None)],
    ],
)
def test_an_answer_to_something_else_is_refused(spec: list[tuple[str | None, str | None]]) -> None:
    with pytest.raises(ConnectionLost, match="not the answer to what was asked"):
        correlate(_parts(*spec), IDS)


def test_the_json_batch_is_numbered_and_found_by_id() -> None:
    sent = msgspec.json.decode(jsonbatch.write([jsonbatch.Operation("POST", "a", {"h": "1"}, {"x": 1})] * 2))
    assert sent["requests"][1] == {"id": "2", "method": "POST", "url": "a", "headers": {"h": "1"}, "body": {"x": 1}}
    found = jsonbatch.parse(b'{"responses":[{"id":2,"status":200,"body":{"a":1.50}},{"id":"1","status":400}]}', 3)
    assert [one and one.status for one in found] == [400, 200, None]
    assert found[1] is not None
    assert str(found[1].body["a"]) == "1.50"


@pytest.mark.parametrize("id", ['"1"', "0", "4", '"x"', '"\\u00b2"', "-1", '"99999999999999999999"'])
def test_a_json_part_that_belongs_to_nothing_or_comes_twice_is_refused(id: str) -> None:
    body = '{"responses":[{"id":"1","status":200},{"id":ID,"status":200}]}'.replace("ID", id)
    with pytest.raises(ConnectionLost, match="not the answer to what was asked"):
        jsonbatch.parse(body.encode(), 3)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"responses":[{"id":"1"}]}', b'{"responses":' + b"[" * 100_000]
)
def test_a_damaged_json_batch_is_found_out(body: bytes) -> None:
    with pytest.raises(Malformed):
        jsonbatch.parse(body, 1)


def test_nothing_can_end_a_line_within_a_written_part() -> None:
    sent = write("batch_1", [Operation("PATCH", "/a(1)", "", msgspec.json.encode({"a": "\r\n--batch_1\r\n"}))])
    assert len(re.findall(rb"(?:^|\r\n)--batch_1", sent)) == 2
