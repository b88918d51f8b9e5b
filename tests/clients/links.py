"""Whether a client that turns pages by itself followed the links that it was given: what it returns does not tell."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import requests


def note_links() -> list[str]:
    """A list to which each link to a next page is added from now on, as soon as a session of requests follows it."""
    send = requests.Session.send
    offered: set[object] = set()
    followed: list[str] = []

    def noting(self: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        if _place(str(request.url)) in offered:
            followed.append(str(request.url))
        answer = send(self, request, **options)
        if "json" in answer.headers.get("Content-Type", "") and "@odata.nextLink" in (content := answer.json()):
            offered.add(_place(content["@odata.nextLink"]))
        return answer

    requests.Session.send = noting
    return followed


def _place(address: str) -> object:
    """What a link leads to, however its query is put: some clients take it apart and make it anew."""
    parts = urlsplit(address)
    return parts.netloc, unquote(parts.path), tuple(sorted(parse_qsl(parts.query)))
