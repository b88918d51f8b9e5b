"""Change tracking of the CRM organization (reference/apis.md section 1, Change tracking)."""

from typing import Any

import httpx
import pytest

from tests.sandbox.crm_tools import Crm, refusal

TRACK = "odata.track-changes"


def tracked(crm: Crm, url: str = "accounts?$select=name", prefer: str = TRACK) -> dict[str, Any]:
    answer = crm.get(url, Prefer=prefer)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def pages(crm: Crm, url: str, size: int) -> tuple[list[list[dict[str, Any]]], str]:
    """The rows of each page, and the delta link at the end."""
    found = []
    while True:
        body = tracked(crm, url, f"{TRACK},odata.maxpagesize={size}")
        found.append(body["value"])
        if "@odata.deltaLink" in body:
            return found, body["@odata.deltaLink"]
        url = body["@odata.nextLink"]


def test_a_delta_link_leads_to_what_changed_since(crm: Crm) -> None:
    same, changed = crm.new("accounts", name="Same"), crm.new("accounts", name="Old")
    answer = crm.get("accounts?$select=name", Prefer=TRACK)
    assert answer.headers["Preference-Applied"] == TRACK
    first = answer.json()
    assert {row["accountid"] for row in first["value"]} == {same, changed}
    assert f"{crm.http.base_url}accounts?$select=name&$deltatoken=" in first["@odata.deltaLink"]
    made = crm.new("accounts", name="Made")
    crm.patch(f"accounts({changed})", {"name": "New"})
    second = crm.get(first["@odata.deltaLink"]).json()
    assert second["@odata.context"].endswith("#accounts(name)/$delta")
    assert [(row["accountid"], row["name"]) for row in second["value"]] == [(made, "Made"), (changed, "New")]
    assert crm.get(second["@odata.deltaLink"]).json()["value"] == []
    assert len(crm.get(first["@odata.deltaLink"]).json()["value"]) == 2, "a token may be used again"


def test_removals_come_last_and_say_so(crm: Crm) -> None:
    gone, brief = crm.new("accounts", name="Gone"), None
    link = tracked(crm)["@odata.deltaLink"]
    brief = crm.new("accounts", name="Came and went")
    crm.http.delete(f"accounts({gone})")
    crm.http.delete(f"accounts({brief})")
    made = crm.new("accounts", name="Made")
    body = crm.get(link).json()
    assert body["value"][0]["accountid"] == made
    context = f"{crm.http.base_url}$metadata#accounts/$deletedEntity"
    assert body["value"][1:] == [{"@odata.context": context, "id": id, "reason": "deleted"} for id in (gone, brief)]
    assert crm.get(body["@odata.deltaLink"]).json()["value"] == []


def test_a_row_that_is_made_again_under_its_id_is_no_removal(crm: Crm) -> None:
    id = crm.new("accounts", name="First")
    link = tracked(crm)["@odata.deltaLink"]
    crm.http.delete(f"accounts({id})")
    crm.patch(f"accounts({id})", {"name": "Second"})
    assert [row.get("name") for row in crm.get(link).json()["value"]] == ["Second"]


def test_what_goes_with_a_deleted_row_is_told_too(crm: Crm) -> None:
    parent = crm.new("accounts", name="Parent")
    child = crm.new("contacts", lastname="Kid", parentcustomerid_account__bind=f"/accounts({parent})")
    link = tracked(crm, "contacts?$select=lastname")["@odata.deltaLink"]
    crm.http.delete(f"accounts({parent})")
    assert [row["id"] for row in crm.get(link).json()["value"]] == [child]


def test_a_deletion_that_is_rolled_back_is_none(crm: Crm) -> None:
    id = crm.new("accounts", name="Stays")
    link = tracked(crm)["@odata.deltaLink"]
    part = "--c\r\nContent-Type: application/http\r\nContent-ID: {n}\r\n\r\n{line} HTTP/1.1\r\n\r\n\r\n"
    parts = part.format(n=1, line=f"DELETE accounts({id})") + part.format(n=2, line="DELETE accounts(x)")
    body = f"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n{parts}--c--\r\n--b--\r\n"
    answer = crm.http.post("$batch", content=body, headers={"Content-Type": "multipart/mixed; boundary=b"})
    assert answer.status_code == 400
    assert crm.get(link).json()["value"] == []


def test_pages_before_the_first_token_lose_nothing_that_happens_meanwhile(crm: Crm) -> None:
    ids = [crm.new("accounts", name=f"{number:02}") for number in range(7)]
    first = tracked(crm, prefer=f"{TRACK},odata.maxpagesize=3")
    assert len(first["value"]) == 3
    assert "@odata.deltaLink" not in first
    seen = [row["accountid"] for row in first["value"]]
    crm.patch(f"accounts({seen[0]})", {"name": "changed"})
    crm.http.delete(f"accounts({seen[1]})")
    rest, link = pages(crm, first["@odata.nextLink"], 3)
    assert {*seen, *(row["accountid"] for page in rest for row in page)} == set(ids)
    later = crm.get(link).json()["value"]
    assert [row.get("accountid", row.get("id")) for row in later] == seen[:2]


def test_changes_come_in_pages_without_loss_while_others_write(crm: Crm) -> None:
    ids = [crm.new("accounts", name=f"{number:02}") for number in range(9)]
    link = tracked(crm)["@odata.deltaLink"]
    for id in ids[:5]:
        crm.patch(f"accounts({id})", {"name": "changed"})
    for id in ids[5:]:
        crm.http.delete(f"accounts({id})")
    first = tracked(crm, link, f"{TRACK},odata.maxpagesize=2")
    assert [row["accountid"] for row in first["value"]] == ids[:2]
    crm.patch(f"accounts({ids[4]})", {"name": "once more"})
    crm.http.delete(f"accounts({ids[0]})")
    found, link = pages(crm, first["@odata.nextLink"], 2)
    assert [len(page) for page in found] == [2, 2, 2]
    assert [row.get("accountid", row.get("id")) for page in found for row in page] == [*ids[2:4], *ids[5:]]
    later = crm.get(link).json()["value"]
    assert [row.get("accountid", row.get("id")) for row in later] == [ids[4], ids[0]], "what came meanwhile comes next"


def test_the_number_of_changes_is_told(crm: Crm) -> None:
    gone = crm.new("accounts", name="A")
    token = tracked(crm)["@odata.deltaLink"].partition("$deltatoken=")[2]
    crm.new("accounts", name="B")
    crm.http.delete(f"accounts({gone})")
    assert crm.get(f"accounts/$count?$deltatoken={token}").text == "2"


@pytest.mark.parametrize("option", ["$filter=name%20eq%20'a'", "$orderby=name", "$expand=primarycontactid", "$top=1"])
def test_options_that_hide_changes_are_refused(crm: Crm, option: str) -> None:
    answer = crm.get(f"accounts?{option}", Prefer=TRACK)
    assert refusal(answer) == (400, "0x80060888")
    name = option.partition("=")[0]
    message = f'The "{name}" query parameter isn\'t supported when Change Tracking is enabled.'
    assert answer.json()["error"]["message"] == message


def test_a_table_without_change_tracking_refuses(crm: Crm) -> None:
    assert refusal(crm.get("uoms", Prefer=TRACK)) == (400, "0x80040203")
    enabled = "EntityDefinitions?$select=LogicalName&$filter=ChangeTrackingEnabled%20eq%20true"
    assert {"account", "contact"} <= {row["LogicalName"] for row in crm.values(enabled)}


def test_a_token_lives_seven_days(crm: Crm) -> None:
    link = tracked(crm)["@odata.deltaLink"]
    crm.clock.advance(7 * 86_400 - 1)
    assert crm.get(link).status_code == 200
    crm.clock.advance(2)
    assert refusal(crm.get(link)) == (400, "0x80044352")


@pytest.mark.parametrize("token", ["x", "1!02/30/2024 00:00:00", "1!", "9" * 30 + "!05/01/2024 12:00:00"])
def test_a_token_that_is_none_is_refused(crm: Crm, token: str) -> None:
    assert refusal(crm.get(f"accounts?$deltatoken={token}")) == (400, "0x80040203")
    assert refusal(crm.get(f'accounts?$skiptoken=<istracking="True"{token}')) == (400, "0x80040203")


@pytest.mark.parametrize("place", ["0%257Cabc%257C9", "1%257C-%257C9", "0%257C%257C", "2%257C1%257C9"])
def test_a_place_in_the_changes_that_is_none_is_refused(crm: Crm, place: str) -> None:
    link = tracked(crm)["@odata.deltaLink"]
    token = f'%3Ccookie pagenumber="2" pagingcookie="{place}" istracking="True" /%3E'
    assert refusal(crm.get(f"{link}&$skiptoken={token}")) == (400, "0x80040203")


def test_annotations_come_with_changes_too(crm: Crm) -> None:
    crm.new("accounts", name="A")
    body = tracked(crm, "accounts?$select=statecode", f'{TRACK},odata.include-annotations="*"')
    assert body["value"][0]["statecode@OData.Community.Display.V1.FormattedValue"] == "Active"


def test_a_client_may_take_a_link_apart_and_write_it_in_its_own_way(crm: Crm) -> None:
    for number in range(3):
        crm.new("accounts", name=str(number))
    body = tracked(crm, prefer=f"{TRACK},odata.maxpagesize=2")
    options = dict(httpx.QueryParams(httpx.URL(body["@odata.nextLink"]).query.decode()))
    answer = crm.http.get("accounts", params=options, headers={"Prefer": f"{TRACK},odata.maxpagesize=2"})
    assert "+" in str(answer.url), "spaces as plus signs, as forms have them"
    assert len(answer.json()["value"]) == 1
