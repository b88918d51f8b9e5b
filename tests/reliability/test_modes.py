"""What is made is its owner's alone, and links in its place are not followed."""

import os
from pathlib import Path

import pytest

from tests.reliability.modes import make_parts


def test_what_is_made_is_private_whatever_the_umask() -> None:
    made = make_parts()
    assert (made.wide, made.followed) == ([], [])
    assert made.files > 15
    assert made.links == 20


def test_wide_files_and_links_that_are_followed_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def careless(path: str | Path, flags: int, mode: int = 0o777, **more: int) -> int:
        return real(path, flags & ~os.O_NOFOLLOW & ~os.O_EXCL, mode if mode != 0o600 else 0o666, **more)

    monkeypatch.setattr(os, "open", careless)
    made = make_parts()
    assert made.wide
    assert len(made.followed) > 8
