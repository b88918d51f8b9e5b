"""The one thing that is replaced in clients that know only one place to log in: what that place answers."""

import json
import os
from typing import Any

import requests

_LOGIN = "https://login.microsoftonline.com/"


class _Login:
    """Answers each request with the token of the sandbox, and asks nobody."""

    def send(self, request: requests.PreparedRequest, *_rest: Any, **_more: Any) -> requests.Response:
        token = {"access_token": os.environ["TOKEN"], "token_type": "Bearer", "expires_in": 3599, "refresh_token": "x"}
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = 200, request.url, request
        answer._content = json.dumps(token).encode()
        return answer

    def close(self) -> None:
        pass


def stub_login() -> None:
    """From now on each session of requests gets its tokens here; all else goes its own way."""
    mount = requests.Session.__init__

    def mounted(self: requests.Session) -> None:
        mount(self)
        self.mount(_LOGIN, _Login())

    requests.Session.__init__ = mounted
