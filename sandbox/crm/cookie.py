"""The paging cookie in $skiptoken: it names the last row of a page, so that writes between pages shift nothing."""

import html
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote, unquote

from sandbox.crm.refusals import invalid
from sandbox.odata.edm import EdmType, EntityType, Row
from sandbox.odata.query import Order

_OUTER = re.compile(r'<cookie pagenumber="(\d+)" pagingcookie="([^"]*)" istracking="False" />')
_VALUE = re.compile(r'<(\w+) (last|lastnull)="([^"]*)" />')


def write_cookie(page: int, row: Row, order: Sequence[Order]) -> str:
    """The token for `page`, which begins after `row` in an order that ends with the key."""
    values = "".join(_element(one.field, row.get(one.field)) for one in order)
    inner = f'<cookie page="{page - 1}">{values}</cookie>'
    return f'<cookie pagenumber="{page}" pagingcookie="{quote(quote(inner, safe=""), safe="")}" istracking="False" />'


def read_cookie(token: str, order: Sequence[Order], entity: EntityType) -> tuple[int, Mapping[str, Any]]:
    """The page number and the order values of the row before it; raises ODataError for a token of another query."""
    outer = _OUTER.fullmatch(token)
    inner = unquote(unquote(outer[2])) if outer is not None else ""
    found = {name: None if kind == "lastnull" else html.unescape(text) for name, kind, text in _VALUE.findall(inner)}
    if outer is None or set(found) != {one.field for one in order}:
        raise invalid("The paging cookie is malformed or belongs to another query.")
    try:
        return int(outer[1]), {
            name: text if text is None else _parse(entity.type_of(name), text) for name, text in found.items()
        }
    except (ValueError, InvalidOperation) as error:
        raise invalid("The paging cookie is malformed.") from error


def _element(name: str, value: Any) -> str:
    if value is None:
        return f'<{name} lastnull="1" />'
    return f'<{name} last="{html.escape(str(value))}" />'


def _parse(edm: EdmType, text: str) -> Any:
    match edm:
        case EdmType.INT | EdmType.LONG:
            return int(text)
        case EdmType.DECIMAL:
            return Decimal(text)
        case EdmType.BOOLEAN:
            return text == "True"
        case _:
            return text
