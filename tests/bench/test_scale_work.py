"""What the jobs ask in the model of large runs is what the engine asks, and the limit that binds is the right one."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.canned import serving
from bench.contenders import ENGINE, fresh, work
from bench.scale.assumptions import Assumptions
from bench.scale.crew import (
    CPU,
    CRM_EXECUTION,
    CRM_PLACES,
    NAV_REQUESTS,
    PAGES,
    READING,
    TODAY,
    Crew,
    gaps,
    synchronize,
)
from bench.scale.work import Case, Pass, Side, passes

GIVEN = Assumptions()
CUSTOMERS = replace(GIVEN, fixed=0, contacts=0, resources=0, items=0, primary=0)
MINUTE, HOUR = 60_000_000, 3_600_000_000


def named(name: str, case: Case, total: int = 100_000, given: Assumptions = GIVEN) -> Pass:
    return next(one for one in passes(total, case, given) if one.name == name)


def asked(one: Pass) -> int:
    return sum(ask.number for ask in one.asks)


def test_a_run_has_the_seven_jobs_in_their_order_and_every_record_once_in_each_direction() -> None:
    names = [one.name for one in passes(100_000, Case.FIRST, GIVEN)]
    assert names == [
        "CURRENCY to CRM", "SALEPEOPLE from CRM", "UNITOFMEASURE to CRM", "CUSTOMER to CRM", "CUSTOMER from CRM",
        "CONTACTS to CRM", "CONTACTS from CRM", "primary contacts", "RESOURCE-PRODUCT to CRM", "RESOURCE-PRODUCT from CRM",
        "ITEM-PRODUCT to CRM", "ITEM-PRODUCT from CRM",
    ]  # fmt: skip
    again = list(passes(100_000, Case.AGAIN, GIVEN))
    once = [one for one in again if one.name.endswith("to CRM") or one.name == "SALEPEOPLE from CRM"]
    assert sum(one.records for one in once) == 100_000
    assert not any(ask.seconds > 6 for one in again for ask in one.asks)


def test_the_engine_makes_as_many_requests_for_a_page_of_customers_as_the_model_says(tmp_path: Path) -> None:
    """A page more, at 100 rows a request: all others, such as those of the start, are the same."""
    made: list[tuple[int, int]] = []
    for size in (1000, 2000):
        with serving(size) as services:
            place = fresh(ENGINE, services, tmp_path / str(size), 100)
            first, again = work(ENGINE, place, size).tally, work(ENGINE, place, size).tally
        made.append((first.requests, again.requests))
    (first_1, again_1), (first_2, again_2) = made
    assert first_2 - first_1 == asked(named("CUSTOMER to CRM", Case.FIRST)) == 13
    assert again_2 - again_1 == asked(named("CUSTOMER to CRM", Case.AGAIN)) == 3


def test_a_second_run_writes_nothing_and_a_changed_record_is_one_row_of_a_batch() -> None:
    again, changed = named("CUSTOMER to CRM", Case.AGAIN), named("CUSTOMER to CRM", Case.CHANGED)
    assert asked(changed) == asked(again) + 1
    assert changed.steps[-1].seconds == pytest.approx(0.03 + 10 * 0.06)
    assert all(one.rows == 0 for one in passes(100_000, Case.AGAIN, GIVEN))


def test_creating_a_row_costs_what_a_bulk_message_or_a_batch_costs() -> None:
    def execution(given: Assumptions) -> float:
        one = named("CUSTOMER to CRM", Case.FIRST, given=given)
        return sum(ask.number * ask.seconds for ask in one.asks if ask.side is Side.CRM)

    assert execution(GIVEN) == pytest.approx(1000 * 0.011 + 12 * 0.03)
    assert execution(replace(GIVEN, bulk=0)) == pytest.approx(1000 * 0.060 + 12 * 0.03)
    assert execution(replace(GIVEN, batch=1000)) == pytest.approx(1000 * 0.011 + 3 * 0.03)


def test_a_million_accounts_take_what_the_execution_time_of_one_user_allows() -> None:
    """11.36 s a page; 1,188 s within 300 s, of which the first 300 s are a present."""
    course = synchronize(1_000_000, Case.FIRST, TODAY, replace(CUSTOMERS, nav_read=0.1, crm_read=0))
    to_crm = 300 * (1000 * 11.36 / 1188 - 1)
    from_crm = 1000 * (0.04 + 2 * (0.07 + 0.01) + 0.3)
    assert course.now / 1_000_000 == pytest.approx(to_crm + from_crm, rel=0.15)
    assert course.blamed[CRM_EXECUTION] / 1_000_000 == pytest.approx(to_crm, rel=0.05)
    assert course.binding[0] == CRM_EXECUTION


def test_where_a_record_costs_much_cpu_the_workers_bind() -> None:
    dear = replace(CUSTOMERS, cpu=10_000)
    one, four = (synchronize(1_000_000, Case.AGAIN, Crew(1, workers), dear) for workers in (1, 4))
    assert four.binding[0] in (CPU, PAGES)
    assert one.now / HOUR == pytest.approx(2 * 1_000_000 * 0.01 / 3600, rel=0.06)
    assert four.now / one.now == pytest.approx(0.25, rel=0.02)


def test_where_nothing_changed_one_worker_waits_for_the_pages_that_it_reads() -> None:
    to_crm = gaps(named("CUSTOMER to CRM", Case.AGAIN), TODAY, GIVEN)
    assert to_crm[READING] == pytest.approx(0.04 + 0.03 + 1.0) == max(to_crm.values())
    assert synchronize(1_000_000, Case.AGAIN, TODAY, CUSTOMERS).binding[0] == READING


def test_many_workers_with_one_nav_user_wait_for_his_requests() -> None:
    """Lists of 100 make 20 requests of a page of contacts from CRM: 297 pages within 300 s."""
    contacts = replace(GIVEN, fixed=0, customers=0, resources=0, items=0, nav_read=0, network=0, crm_read=0)
    course = synchronize(10_000_000, Case.AGAIN, Crew(1, 16), contacts)
    assert course.binding == [NAV_REQUESTS]
    assert course.now / 1_000_000 == pytest.approx(300 * 10_000 * 21 / 5940, rel=0.05)


def test_few_places_bind_where_the_windows_are_wide() -> None:
    few = replace(CUSTOMERS, crm_places=2, web_servers=100)
    assert synchronize(1_000_000, Case.FIRST, TODAY, few).binding[0] == CRM_PLACES


@pytest.mark.parametrize("figure", ["batch", "web_servers", "crm_places", "pages", "pace", "window"])
def test_figures_that_make_no_sense_are_refused(figure: str) -> None:
    with pytest.raises(ValueError, match=figure):
        replace(GIVEN, **{figure: 0})
    with pytest.raises(ValueError, match="cpu"):
        replace(GIVEN, cpu=-1)
    with pytest.raises(ValueError, match="no records"):
        replace(GIVEN, customers=0, contacts=0, resources=0, items=0)
