"""What a NAV server answers: pages of customers, and the few other records. It takes no writes."""

import re
from urllib.parse import unquote_to_bytes

from bench.company import Company
from bench.server.wire import Answer, Request

COMPANY = b"CRONUS"
ROOT = b"/BC/ODataV4"
_ENTITY = re.compile(rb"/BC/ODataV4/Company\([^)]*\)/(\w+)")
_BEHIND = re.compile(rb"SystemId(?:%20|\+| )gt(?:%20|\+| )([0-9a-fA-F-]{36})|(?:\$|%24)skiptoken=([0-9a-f-]{36})")
_ONE_OF = re.compile(rb"SystemId(?:%20|\+| )eq(?:%20|\+| )([0-9a-fA-F-]{36})")
_SIZE = re.compile(rb"odata\.maxpagesize=(\d+)")
_USUAL_SIZE = 1000


class Nav:
    """The company over OData V4."""

    def __init__(self, company: Company) -> None:
        self._company = company

    def answer(self, request: Request) -> Answer:
        """The answer to a read."""
        found = _ENTITY.match(request.target)
        if request.method != b"GET":
            return Answer(b'{"error":{"code":"Unsupported","message":"This company takes no writes."}}', 405)
        if found is None:
            return Answer(b'{"value":[{"Name":"%s","Display_Name":"%s"}]}' % (COMPANY, COMPANY))
        entity = found[1].decode()
        if entity == "Customer":
            return self._customers(request)
        rows = self._company.others.get(entity)
        if rows is None:
            return Answer(b'{"error":{"code":"BadRequest_NotFound","message":"There is no such page."}}', 404)
        return Answer(listed(rows, count=len(rows)))

    def _customers(self, request: Request) -> Answer:
        target = request.target
        if ids := _ONE_OF.findall(target):
            return Answer(listed(self._company.with_ids(id.decode().lower() for id in ids)))
        if b"tolower(" in target or b"E_Mail%20eq" in target:
            return Answer(listed([]))
        if b"top=1" in target:
            return Answer(listed(self._company.behind(None, 1)[0], count=len(self._company.ids)))
        behind = _BEHIND.search(target)
        after = None if behind is None else (behind[1] or behind[2]).decode().lower()
        size = _SIZE.search(request.header(b"prefer"))
        rows, more = self._company.behind(after, int(size[1]) if size is not None else _USUAL_SIZE)
        if not more:
            return Answer(listed(rows))
        last = rows[-1].split(b'"SystemId":"', 1)[1][:36]
        return Answer(listed(rows, link=_link(request, last)))


def listed(rows: list[bytes], *, count: int | None = None, link: bytes = b"") -> bytes:
    """A list of records as OData has it."""
    head = b'{"@odata.context":"$metadata",'
    number = b"" if count is None else b'"@odata.count":%d,' % count
    tail = b'],"@odata.nextLink":"%s"}' % link if link else b"]}"
    return b"".join((head, number, b'"value":[', b",".join(rows), tail))


def _link(request: Request, last: bytes) -> bytes:
    path = request.target.split(b"?", 1)[0]
    return b"http://%s%s?$skiptoken=%s" % (request.header(b"host"), unquote_to_bytes(path).replace(b" ", b"%20"), last)
