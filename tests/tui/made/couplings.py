"""Coupled pairs, and both records of one."""

from datetime import timedelta

from engine.model.coupled import Alike, BothRecords, CoupledRow, CoupledState, FieldPair, OneRecord
from tests.tui.made.runs import BOTH, NOW, TO


def coupling_id(number: int, side: str) -> str:
    return f"{number * 2_654_435_761 % 2**32:08x}-{side}000-4000-8000-{number:012x}"


def made_couplings() -> list[CoupledRow]:
    """120 customers, the first ones with each word, and a few others."""
    words = {
        1: (CoupledState.FAILED, "CRM refused it: A record with matching key values already exists."),
        2: (CoupledState.SKIPPED, "It failed twice alike: address1_country exceeds 80 characters."),
        3: (CoupledState.CRM_GONE, "Its account is gone."),
        4: (CoupledState.NAV_GONE, "Its Customer is gone."),
        5: (CoupledState.CONFLICT, "Both sides changed Name, Phone_No; nothing is chosen yet."),
    }
    made = [
        CoupledRow(
            "CURRENCY", code, coupling_id(900 + at, "a"), coupling_id(900 + at, "b"), 12, NOW - timedelta(days=40)
        )
        for at, code in enumerate(("EUR", "USD"))
    ]
    for nth in range(1, 121):
        state, message = words.get(nth, (CoupledState.COUPLED, ""))
        name, told = ("New Concepts Furniture", NOW - timedelta(minutes=20)) if message else ("", None)
        made.append(
            CoupledRow(
                "CUSTOMER",
                f"0145{nth:04}",
                coupling_id(nth, "a"),
                coupling_id(nth, "b"),
                14,
                NOW - timedelta(days=2),
                state,
                name,
                message,
                told,
            )
        )
    return made


def made_records(one: CoupledRow) -> BothRecords:
    fields = (
        FieldPair("", "customertypecode", TO, "Customer (3)", "Customer (3)", Alike.SAME),
        FieldPair("Name", "name", BOTH, "New Concepts Furniture", "New Concepts Ltd.", Alike.DIFFERS),
        FieldPair(
            "Address", "address1_line1", BOTH, "705 West Peachtree Street", "705 West Peachtree Street", Alike.SAME
        ),
        FieldPair("City", "address1_city", BOTH, "Atlanta", "Atlanta", Alike.SAME),
        FieldPair("Phone_No", "telephone1", BOTH, "0711 1", "", Alike.DIFFERS),
        FieldPair(
            "Salesperson_Code", "ownerid", TO, "", "JR", Alike.UNKNOWN, "A blank leaves the other side as it is."
        ),
        FieldPair("Credit_Limit_LCY", "creditlimit", TO, "12.50", "12.50", Alike.SAME),
    )
    nav = OneRecord("Customer", one.nav_id, True, "New Concepts Furniture", "2026-03-11T09:12:00Z")
    crm = OneRecord("account", one.crm_id, True, "New Concepts Ltd.", "2026-03-12T11:58:31Z")
    return BothRecords(one.mapping, one.nav_no, nav, crm, fields)
