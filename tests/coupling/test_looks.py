"""What only looks writes on neither side, and decides nothing in the store either."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.runs.coupling_files import digest
from engine.runs.requests import Import, Mend, Request, Uncouple
from engine.store.schema import extra, intent
from engine.store.work import Create, Scope, intend
from tests.coupling.tools import FROM, ask
from tests.sync.test_currencies import currency
from tests.sync.test_customers import account, customer
from tests.sync.world import Make, World


def foreign(make: Make) -> World:
    """CRM does not have NAV's local currency."""
    return make(
        {"Customer": [customer("C1")], "Currency": [currency("USD", "1.1")]}, {"account": [account()]}, base="USD"
    )


def dry_import(world: World, folder: Path) -> Import:
    path = folder / "couplings.csv"
    path.write_text(f"mapping,nav_no,crm_id\nCUSTOMER,C1,{world.crm('accounts')[0]['accountid']}")
    return Import(str(path), digest(path.read_bytes()), ("CUSTOMER",), dry_run=True)


@pytest.mark.parametrize("what", ["broken", "import", "remove", "uncouple"])
async def test_the_local_currency_is_not_made_where_no_value_is_carried_over(
    make: Make, tmp_path: Path, what: str
) -> None:
    world = foreign(make)
    requests: dict[str, Request] = {
        "broken": Mend(), "import": dry_import(world, tmp_path), "remove": Mend(action="remove"), "uncouple": Uncouple("CUSTOMER")
    }  # fmt: skip
    run = await ask(world, requests[what])
    assert (run.state.value, run.message) == ("finished", "")
    assert world.audit() == []
    with world.store.reading() as connection:
        assert connection.execute(sa.select(extra)).all() == []


@pytest.mark.parametrize("what", ["broken", "import"])
async def test_what_may_have_been_created_is_not_settled(make: Make, tmp_path: Path, what: str) -> None:
    world = foreign(make)
    other = await ask(world, Uncouple("CUSTOMER"))
    creates = [Create(world.crm("accounts")[0]["accountid"], "", None, 0, "Firm C1", "CRM_Id")]
    with world.store.writing() as connection:
        intend(connection, Scope(other.id, 1, "CUSTOMER", FROM, plan=False), creates, [], world.time.now())
    run = await ask(world, Mend() if what == "broken" else dry_import(world, tmp_path))
    assert run.kind == "look"
    with world.store.reading() as connection:
        assert len(connection.execute(sa.select(intent)).all()) == 1
    await ask(world, Uncouple("CUSTOMER"))
    with world.store.reading() as connection:
        assert connection.execute(sa.select(intent)).all() == [], "what is no look settles it"
