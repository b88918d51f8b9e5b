"""No link of an answer leads a request, or a token, away from the service."""

import pytest

from engine.connectors import urls
from tests.reliability.links import LINKS, PLACES, TARGET, follow


def test_no_hostile_link_is_followed_anywhere() -> None:
    found = follow(links=LINKS[::3])
    assert (found.followed, found.faults) == ([], [])
    assert len(LINKS) >= TARGET


def test_a_link_that_is_followed_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urls, "own_link", lambda root, link: root.join(str(link)))
    found = follow(PLACES[:1], LINKS[:1])
    assert len(found.followed) == 1
    assert "with the token" not in found.followed[0], "the token stays even then"
