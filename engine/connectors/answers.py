"""Answers of an OData service that were received whole, and what they say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from engine.connectors import body
from engine.connectors.verdicts import Fault, Verdict, fault, judge


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that was received whole. `fault` is what it says when it is an error."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    verdict: Verdict
    fault: Fault
    content: Any = None
    """The JSON of a read."""


def understood(method: str, response: httpx.Response, data: bytes, *, json: bool) -> Answer:
    """What an answer says; `json` is whether a read is to be JSON. Raises Malformed when it is not."""
    problem = Fault()
    content = None
    if response.status_code >= 400:
        try:
            problem = fault(body.decode(data))
        except body.Malformed:
            problem = Fault()  # an HTML page of something between, or a multipart answer: the status must do
    elif method == "GET" and response.status_code == 200 and json:
        content = body.decode(data)  # cut or foreign bodies are faults that may pass, so they are found here
    verdict = judge(response.status_code, problem.code)
    return Answer(response.status_code, response.headers, data, verdict, problem, content)
