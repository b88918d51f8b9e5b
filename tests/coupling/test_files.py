"""Files of couplings: what is read from them, and which faults are found (pure)."""

import csv
import io
import json
from collections.abc import Iterable
from operator import itemgetter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mapping.defaults import default_mappings
from engine.model.errors import ConfigError
from engine.model.snapshot import CouplingRow
from engine.runs.coupling_files import HEADER, as_text, csv_cells, parse

MAPPINGS = default_mappings()
A, B, C, D = (f"{letter * 8}-1111-2222-3333-444444444444" for letter in "abcd")


def faults(content: str, only: str = "") -> list[str]:
    return [str(one) for one in parse(content.encode(), MAPPINGS, only).faults]


def read(content: bytes, only: str = "") -> list[tuple[int, tuple[str, ...], str, str, str]]:
    parsed = parse(content, MAPPINGS, only)
    assert parsed.faults == []
    return [(one.number, one.mappings, one.nav_id, one.nav_no, one.crm_id) for one in parsed.lines]


def test_our_own_csv() -> None:
    text = f"mapping,nav_no,nav_id,crm_id\r\nCUSTOMER,C1,{A},{B}\r\ncontacts,,{C},{D.upper()}\r\n"
    assert read(text.encode()) == [(2, ("CUSTOMER",), A, "C1", B), (3, ("CONTACTS",), C, "", D)]


def test_our_own_json_lines() -> None:
    rows = [{"mapping": "CUSTOMER", "nav_no": "C1", "nav_id": None, "crm_id": B}]
    text = "\n".join(["", *map(json.dumps, rows)])
    assert read(text.encode()) == [(2, ("CUSTOMER",), "", "C1", B)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    "names", [("CRM ID", "Integration ID", "Table ID"), ("[CRM_ID]", "[Integration_ID]", "Table ID")]
)
def test_navs_own_table(encoding: str, delimiter: str, names: tuple[str, str, str]) -> None:
    lines = [names, (f"{{{A.upper()}}}", B.upper(), "18"), (C, D, "27")]
    text = "\n".join(delimiter.join(cells) for cells in lines)
    assert read(text.encode(encoding)) == [(2, ("CUSTOMER",), B, "", A), (3, ("ITEM-PRODUCT",), D, "", C)]


def test_lines_of_other_tables_are_left_out_and_counted() -> None:
    text = f"CRM ID,Integration ID,Table ID\n{A},{B},18\n{C},{D},36\n{C},{D},23\n"
    parsed = parse(text.encode(), MAPPINGS)
    assert len(parsed.lines) == 1
    assert dict(parsed.left_out) == {"table 36": 1, "table 23 (Vendor)": 1}
    parsed = parse(text.encode(), MAPPINGS, "ITEM-PRODUCT")
    assert (parsed.lines, parsed.left_out["CUSTOMER"]) == ([], 1)


def test_a_mapping_can_be_given_for_all_lines() -> None:
    text = f"nav_no,crm_id\nC1,{A}\n"
    assert faults(text) == ["line 2: names no mapping; name it with --mapping"]
    assert read(text.encode(), "CUSTOMER") == [(2, ("CUSTOMER",), "", "C1", A)]


def test_every_fault_is_found_with_its_line() -> None:
    text = "\n".join(
        [
            "mapping,nav_no,nav_id,crm_id",
            f"CUSTOMER,C1,,{A}",
            f"CUSTOMER,C2,,{A}",
            f"CUSTOMER,c1,,{B}",
            f"CUSTOMR,C3,,{B}",
            "CUSTOMER,C4,,1234",
            f"CUSTOMER,,,{C}",
            f"CUSTOMER,,xyz,{C}",
            "CUSTOMER,C5",
            f"CUSTOMER,C6,,{'0' * 8}-0000-0000-0000-{'0' * 12}",
        ]
    )
    assert faults(text) == [
        f"line 3: the CRM row {A} is in line 2 already",
        "line 4: the NAV record C1 is in line 2 already",
        "line 5: there is no mapping 'CUSTOMR'",
        "line 6: crm_id '1234' is not a GUID",
        "line 7: has neither nav_id nor nav_no",
        "line 8: nav_id 'xyz' is not a GUID",
        "line 9: has 2 columns, the first line 4",
        f"line 10: crm_id '{'0' * 8}-0000-0000-0000-{'0' * 12}' is not a GUID",
    ]
    assert faults('{"mapping": "CUSTOMER"\n[1]\n') == [
        "line 1: is not JSON: Expecting ',' delimiter: line 1 column 23 (char 22)",
        "line 2: is not a JSON object",
    ]


def test_an_empty_file_has_no_couplings() -> None:
    assert read(b"") == []


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"crm_id\n1\n", b"\xff\xfe\x00"])
def test_what_is_no_file_of_couplings_is_refused(content: bytes) -> None:
    with pytest.raises(ConfigError):
        parse(content, MAPPINGS)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert as_text(text) == f"'{text}"
    assert as_text("C1") == "C1"


NUMBERS = st.from_regex(r"[=+\-@A-Z0-9][A-Z0-9 ,;\"']{0,18}[A-Z0-9]", fullmatch=True)


@given(st.lists(st.tuples(NUMBERS, st.uuids(), st.uuids()), max_size=5, unique_by=tuple(map(itemgetter, range(3)))))
def test_an_export_is_read_back(rows: Iterable[tuple[str, UUID, UUID]]) -> None:
    pairs = [CouplingRow("CUSTOMER", no, str(nav), str(crm)) for no, nav, crm in rows]
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(HEADER)
    writer.writerows(csv_cells(one) for one in pairs)
    assert [each[2:] for each in read(buffer.getvalue().encode())] == [
        (one.nav_id, one.nav_no, one.crm_id) for one in pairs
    ]
