"""What is left to people when answers are lost after the work was done."""

from tests.reliability.doubts import HOW, WAYS, Way, lose_answers

_CUT = {"cut": HOW["cut"]}


def test_every_create_whose_answer_is_lost_is_settled_without_a_person() -> None:
    doubts = lose_answers({"OData": WAYS["OData"]}, _CUT, 5)
    assert (doubts.faults, doubts.left, doubts.twice) == ([], [], [])
    assert doubts.creates["Customer"] > 0
    assert doubts.creates["accounts"] > 0


def test_records_of_a_company_without_marker_field_are_in_doubt() -> None:
    unmarked = Way((), (('marker_field = "CRM_Id"\n', ""),))
    doubts = lose_answers({"unmarked": unmarked}, _CUT, 5)
    assert any(one.endswith("in_doubt") for one in doubts.left)
    assert doubts.twice == []
