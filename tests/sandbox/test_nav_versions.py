"""Page services of Dynamics NAV 2016 and 2018, which lack what Business Central has."""

from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox.crm.state import CrmState
from sandbox.load import Seeds, nav_state
from sandbox.serve import running
from tests.sandbox.nav_tools import COMPANY, ROWS, Nav, refusal


@pytest.fixture(params=["2016", "2018"])
async def old(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nav]:
    state = nav_state(Seeds(ROWS, {}), version=request.param)
    async with running(state, CrmState.build()) as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        async with httpx.AsyncClient(headers=headers, trust_env=False) as client:
            yield Nav(sandbox, client, tmp_path_factory.mktemp("none") / "none")


async def test_records_have_no_system_id_and_tell_at_most_the_day_of_a_change(old: Nav) -> None:
    row = (await old.rows("Customer"))[0]
    assert not {"SystemId", "SystemModifiedAt", "SystemCreatedAt"} & row.keys()
    assert len(row["Last_Date_Modified"]) == 10
    assert "Last_Date_Modified" not in (await old.rows("Unit_of_Measure"))[0]
    id = old.sandbox.nav.tables["Customer"].rows["00001"]["SystemId"]
    assert (await old.send("GET", f"Customer({id})")).status_code == 400
    for option in (f"$filter=SystemId eq {id}", "$select=SystemId", "$orderby=SystemModifiedAt"):
        assert (await old.send("GET", f"Customer?{option}")).status_code == 400
    assert (await old.send("POST", "Customer", {"SystemId": id})).status_code == 400
    answer = await old.send("POST", "Customer", {"Name": "New"})
    assert answer.status_code == 201, answer.text
    assert "SystemId" not in answer.json()
    assert (await old.send("GET", f"Customer('{answer.json()['No']}')")).status_code == 200


async def test_names_are_shorter_and_metadata_says_so(old: Nav) -> None:
    answer = await old.send("POST", "Customer", {"Name": "x" * 51})
    assert refusal(answer) == (400, "Application_StringExceededLength")
    text = (await old.client.get(f"{old.sandbox.nav_url}/$metadata")).text
    assert '<Property Name="Name" Type="Edm.String" MaxLength="50"/>' in text
    assert "SystemId" not in text


async def test_there_are_neither_batches_nor_the_api_nor_ids_of_companies(old: Nav) -> None:
    assert (await old.send("POST", "$batch", {"requests": []})).status_code == 404
    api = old.sandbox.nav_url.replace("/ODataV4", "/api/v2.0/companies")
    assert (await old.client.get(api)).status_code == 404
    companies = (await old.client.get(f"{old.sandbox.nav_url}/Company")).json()["value"]
    assert companies == [{"Name": "CRONUS International Ltd."}]
    assert (await old.client.get(f"{old.sandbox.nav_url}/{COMPANY}")).json()["Name"] == "CRONUS International Ltd."
