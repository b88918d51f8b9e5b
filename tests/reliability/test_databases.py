from tests.reliability.databases import trials
from tests.reliability.trial import try_all
from tests.store.conftest import cluster
from tests.store.postgres import Cluster

__all__ = ["cluster"]


def test_an_engine_whose_sessions_are_ended_stops_and_is_resumed(cluster: Cluster) -> None:
    (one,) = [one for one in trials(cluster) if one.name == "all sessions ended"]
    found = try_all([one], ("--demo-size", "40"))
    assert found.met, found.details
