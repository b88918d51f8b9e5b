"""Nothing twice and nothing uncoupled, whatever follows a kill."""

from tests.reliability.twice import WAYS, kill_and


def test_nothing_is_made_twice_or_left_uncoupled_whatever_follows_a_kill() -> None:
    kills = kill_and([WAYS[1], WAYS[2]], [0.5], "--demo-size", "20")
    assert kills.faults == []
    assert [name for name, _ in kills.found] == ["cancel at 50%", "lose at 50%"]
    assert kills.undisturbed.number > 100
    assert min(made.number for _, made in kills.found) > 0.5 * kills.undisturbed.number
