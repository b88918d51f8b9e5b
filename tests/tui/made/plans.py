"""The records of a plan, and one of them field by field."""

from engine.model.mapping import Direction
from engine.model.plan import Difference, Effect, FieldChange, Foreseen
from tests.tui.made.runs import FROM, MAPPINGS, NOW, TO


def made_foreseen(no: int, seq: int, one_way: Direction, effect: Effect, *, run: int = 15) -> Foreseen:
    """A record of a plan."""
    nav, crm = f"{no:08x}-0000-4000-8000-000000000000", f"{no:08x}-0000-4000-8000-00000000000c"
    new = effect is Effect.INSERTED
    bad = effect in (Effect.AMBIGUOUS, Effect.FAILED)
    return Foreseen(
        run=run,
        seq=seq,
        mapping=MAPPINGS[seq - 1][0],
        direction=one_way,
        effect=effect,
        nav_no="" if new and one_way is FROM else f"0145{no:04}",
        name=("New Concepts Furniture", "Progressive Home Furnishings", "Zoë's Möbelhaus")[no % 3],
        nav_id=None if new and one_way is FROM else nav,
        crm_id=None if (new and one_way is TO) or bad else crm,
        code=effect.value if bad else "",
        message="2 uncoupled Account records have the same Name; nothing was coupled or created." if bad else "",
        hint="Merge the duplicates or couple the right one by hand, then run again." if bad else "",
    )


def made_difference() -> Difference:
    """Fields of every kind: text, a choice, an amount, a lookup, and one that a handling sets."""
    return Difference(
        at=NOW,
        effect=Effect.MODIFIED,
        changes=(
            FieldChange("Name", "name", "New Concepts Furniture", "New Concepts", "New Concepts Furniture"),
            FieldChange("City", "address1_city", "Atlanta", None, "Atlanta"),
            FieldChange("Credit_Limit_LCY", "creditlimit", "1200.5", "0", "1200.5"),
            FieldChange("Currency_Code", "transactioncurrencyid", "GBP", "EUR", "GBP"),
            FieldChange("Payment_Terms_Code", "paymenttermscode", "30 DAYS", 1, 2),
            FieldChange(
                "Home_Page", "websiteurl", "www.new-concepts.example", "http://" + "long/" * 60, "www.x.example"
            ),
            FieldChange("", "customertypecode", None, None, "Customer (3)"),
        ),
        nav_no="01450000",
        name="New Concepts Furniture",
        nav_id="00000000-0000-4000-8000-000000000000",
        crm_id="00000000-0000-4000-8000-00000000000c",
    )
