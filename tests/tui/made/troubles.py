"""What waits for an operator: failed records by cause, conflicts, and records that several others match."""

from datetime import timedelta

from engine.model.conflict import Clash, Conflict
from engine.model.coupled import Partner
from engine.model.matches import Ambiguous, Candidate, Review, ReviewField
from engine.model.snapshot import Cause, RecordOutcome
from engine.model.trouble import Trouble
from tests.tui.made.runs import FROM, NOW, TO


def made_causes() -> list[Cause]:
    return [
        Cause(16, "CUSTOMER", "failed", "crm.duplicate", "CRM 412 duplicate accountnumber", 77, NOW, "Couple by hand."),
        Cause(16, "CUSTOMER", "failed", "crm.length", "address1_country exceeds 80 characters", 2, NOW, "Shorten it."),
    ]


def made_outcome(number: int, cause: Cause) -> RecordOutcome:
    return RecordOutcome(
        run=cause.run,
        seq=4,
        mapping=cause.mapping,
        direction=TO,
        kind=cause.kind,
        code=cause.code,
        cause=cause.cause,
        message=f"A record with matching key values already exists: accountnumber=0145{number:04}",
        hint=cause.hint,
        nav_no=f"0145{number:04}",
        name=("New Concepts Furniture", "Progressive Home Furnishings", "Zoë's Möbelhaus")[number % 3],
        nav_id=f"{number:08x}-0000-4000-8000-000000000000",
        crm_id=None,
        at=NOW,
    )


def made_left_alone() -> list[Trouble]:
    """60 records that are left alone; every third one is a CRM record."""
    return [
        Trouble(
            "CUSTOMER",
            FROM if number % 3 == 2 else TO,
            f"{number:08x}-0000-4000-8000-000000000000",
            "crm.length",
            "address1_country exceeds 80 characters.",
            "" if number % 3 == 2 else f"0145{number:04}",
            ("New Concepts Furniture", "Progressive Home Furnishings", "Zoë's Möbelhaus")[number % 3],
            2,
            True,
            14,
            NOW,
        )
        for number in range(60)
    ]


def made_broken() -> list[RecordOutcome]:
    """60 couplings with a lost record; every third one has lost both."""
    made = []
    for number in range(60):
        code, which = (("crm_gone", "the account row is gone"), ("nav_gone", "the Customer record is gone"),
                       ("both_gone", "both records are gone"))[number % 3]  # fmt: skip
        nav, crm = (f"{number:08x}-{side}000-4000-8000-000000000000" for side in "ab")
        message = f"Customer 0145{number:04} is coupled to account {crm}; {which}."
        made.append(
            RecordOutcome(
                24, 4, "CUSTOMER", TO, "failed", code, which, message, "Mend it.", f"0145{number:04}", "", nav, crm, NOW
            )
        )
    return made


def made_partner(typed: str) -> Partner:
    """The account with that number, for whatever does not begin with an x."""
    if typed.startswith("x"):
        return Partner(problem=f"There is no account in CRM with the number {typed}.")
    return Partner("8f0c1f2a-0000-4000-8000-00000000000c", typed, "New Concepts Ltd.")


def made_conflicts(name: str = "New Concepts Furniture", crm: str = "New Concepts Ltd.") -> list[Conflict]:
    fields = (Clash("Name", "name", name, crm), Clash("Phone_No", "telephone1", "0711 1", None))
    ids = [f"{number:08x}-0000-4000-8000-000000000000" for number in (1, 2)]
    return [Conflict("CUSTOMER", id, id, f"0145000{n}", name, 16, NOW, fields) for n, id in enumerate(ids, 1)]


def made_ambiguous(no: int) -> Ambiguous:
    """A record that several others match; every third one is a CRM record."""
    return Ambiguous(
        mapping="CUSTOMER",
        direction=FROM if no % 3 == 2 else TO,
        source_id=f"{no:08x}-0000-4000-8000-000000000000",
        nav_no="" if no % 3 == 2 else f"0145{no:04}",
        name=("New Concepts Furniture", "Progressive Home Furnishings", "Zoë's Möbelhaus")[no % 3],
        message="2 uncoupled Account records have the same Name; nothing was coupled or created.",
        run=16,
        at=NOW - timedelta(minutes=no),
    )


def made_review() -> Review:
    """Two accounts that match a customer by its name."""
    fields = (
        ReviewField("Name", "name", "New Concepts Furniture", True),
        ReviewField("City", "address1_city", "Atlanta", False),
        ReviewField("Phone_No", "telephone1", "0711 1", False),
        ReviewField("Salesperson_Code", "ownerid", "JR", False),
        ReviewField("Home_Page", "websiteurl", "", False),
    )
    return Review(
        NOW,
        fields,
        (
            Candidate(
                "0000000a-0000-4000-8000-00000000000c", "AC-17", "New Concepts Furniture", 4,
                ("new concepts furniture", "Atlanta", "0711 1", "JR", "www.new.example"), (True, True, True, True, False),
            ),
            Candidate(
                "0000000b-0000-4000-8000-00000000000c", "", "New Concepts Furniture", 1,
                ("New Concepts Furniture", "Berlin", None, "AH", None), (True, False, False, False, True),
            ),
        ),
    )  # fmt: skip
