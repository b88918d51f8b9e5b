from tests.reliability.databases import trials
from tests.reliability.trial import try_all
from tests.store.conftest import cluster
from tests.store.postgres import Cluster

__all__ = ["cluster"]
_NAMES = ("all sessions ended", "all connections taken", "all connections taken when its own are cut")


def test_an_engine_without_its_sessions_stops_and_is_resumed_and_with_them_it_goes_on(cluster: Cluster) -> None:
    found = try_all([one for one in trials(cluster) if one.name in _NAMES], ("--demo-size", "40"))
    assert found.details == ()
    assert found.text == "3/3"
