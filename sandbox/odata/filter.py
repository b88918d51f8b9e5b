"""$filter: the text of an expression becomes a predicate over rows (OASIS OData 4.0, part 2, section 5.1.1)."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from sandbox.odata.edm import Dialect, EdmType, EntityType, Row, comparable
from sandbox.odata.errors import ODataError
from sandbox.odata.lexer import Token, tokens
from sandbox.odata.predicate import Predicate, conjunction, disjunction, negation, one_of

Read = Callable[[Row], Any]
Paths = Callable[[str], tuple[EdmType, Read] | None]
"""Finds the type and the stored value of a navigation path such as `primarycontactid/fullname`."""

_RANGES: Mapping[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
}  # fmt: skip
_TEXT_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith, "endswith": str.endswith, "contains": operator.contains,
}  # fmt: skip
_CASES: Mapping[str, Callable[[str], str]] = {"tolower": str.lower, "toupper": str.upper}
_IN = "Microsoft.Dynamics.CRM.In"
_LISTS = (_IN, "Microsoft.Dynamics.CRM.NotIn")
_CONSTANTS: Mapping[str, Any] = {"true": True, "false": False, "null": None}
_NUMBERS = frozenset({EdmType.INT, EdmType.LONG, EdmType.DECIMAL})
_LITERAL_TYPES: Mapping[str, EdmType] = {
    "string": EdmType.STRING, "guid": EdmType.GUID, "datetime": EdmType.DATETIME, "date": EdmType.DATE,
    "number": EdmType.DECIMAL, "boolean": EdmType.BOOLEAN,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Operand:
    """The left side of a comparison: how to read its comparable value; `field` when a plain property."""

    edm: EdmType
    read: Read
    fields: frozenset[str]
    field: str | None


@dataclass(frozen=True, slots=True)
class _Literal:
    kind: str
    value: Any
    text: str


def compile_filter(
    text: str,
    fields: Mapping[str, EdmType],
    dialect: Dialect,
    *,
    type_name: str = "",
    aliases: Mapping[str, str] | None = None,
    paths: Paths | None = None,
) -> Predicate:
    """Compile an expression; raises ODataError for what the server does not know or does not support.

    `aliases` holds the texts of parameter aliases (`@p1`), `paths` resolves navigation paths that `fields` lacks.
    """
    parser = _Parser(text, EntityType(type_name, fields, dialect), aliases or {}, paths)
    try:
        predicate = parser.disjunction()
    except RecursionError as error:
        raise dialect.bad_query("The $filter expression is nested too deeply.") from error
    parser.expect("end")
    return predicate


class _Parser:
    def __init__(self, text: str, entity: EntityType, aliases: Mapping[str, str], paths: Paths | None) -> None:
        self._text = text
        self._entity = entity
        self._dialect = entity.dialect
        self._aliases = aliases
        self._paths = paths
        self._tokens = list(tokens(text, entity.dialect))
        self._at = 0

    def disjunction(self) -> Predicate:
        parts = [self._conjunction()]
        while self._take("name", "or"):
            parts.append(self._conjunction())
        if (
            len(parts) > 1
            and self._dialect is Dialect.NAV
            and len(frozenset().union(*(part.fields for part in parts))) > 1
        ):
            raise ODataError(
                400,
                "BadRequest_MethodNotImplemented",
                "The 'OR' operator is not supported on distinct fields on an OData filter.",
            )
        return disjunction(parts, lambda name: self._property(name).read)

    def expect(self, kind: str, text: str | None = None) -> Token:
        token = self._tokens[self._at]
        if token.kind != kind or (text is not None and token.text != text):
            raise self._syntax(token)
        self._at += 1
        return token

    def _take(self, kind: str, text: str) -> bool:
        token = self._tokens[self._at]
        if token.kind != kind or token.text != text:
            return False
        self._at += 1
        return True

    def _syntax(self, token: Token) -> ODataError:
        return self._dialect.bad_query(f"Syntax error at position {token.at} in '{self._text}'.")

    def _conjunction(self) -> Predicate:
        parts = [self._unary()]
        while self._take("name", "and"):
            parts.append(self._unary())
        return conjunction(parts)

    def _unary(self) -> Predicate:
        if self._take("name", "not"):
            return negation(self._unary())
        if self._take("mark", "("):
            inner = self.disjunction()
            self.expect("mark", ")")
            return inner
        token = self._tokens[self._at]
        if token.text in _TEXT_TESTS:
            return self._text_test(_TEXT_TESTS[token.text])
        if token.text in _LISTS and self._dialect is Dialect.CRM:
            found = self._in_list()
            return found if token.text == _IN else negation(found)
        return self._comparison()

    def _comparison(self) -> Predicate:
        left = self._operand()
        word = self.expect("name")
        if word.text not in _RANGES and word.text not in ("eq", "ne"):
            raise self._syntax(word)
        right = self._comparable(left, self._literal(), word.text)
        if word.text in ("eq", "ne"):
            same = one_of(left.field or "", frozenset({right}), left.read)
            if left.field is None:
                same = Predicate(same.test, fields=left.fields)
            return same if word.text == "eq" else negation(same)
        compare, read = _RANGES[word.text], left.read
        if right is None:
            return Predicate(_never, fields=left.fields)

        def test(row: Row) -> bool:
            value = read(row)
            return value is not None and compare(value, right)

        bounds = {}
        if left.field is not None:
            bounds[left.field] = (right, None) if word.text in ("gt", "ge") else (None, right)
        return Predicate(test, None, bounds, left.fields)

    def _text_test(self, compare: Callable[[str, str], bool]) -> Predicate:
        name = self.expect("name")
        self.expect("mark", "(")
        left = self._operand()
        self.expect("mark", ",")
        part = self._comparable(left, self._literal(), name.text)
        self.expect("mark", ")")
        if left.edm is not EdmType.STRING or part is None:
            raise self._dialect.bad_query(f"No function signature for the function with name '{name.text}' matches.")
        read = left.read

        def test(row: Row) -> bool:
            value = read(row)
            return value is not None and compare(value, part)

        return Predicate(test, fields=left.fields)

    def _in_list(self) -> Predicate:
        self.expect("name")
        self.expect("mark", "(")
        self.expect("name", "PropertyName")
        self.expect("mark", "=")
        name = self._literal()
        self.expect("mark", ",")
        self.expect("name", "PropertyValues")
        self.expect("mark", "=")
        texts = self._list()
        self.expect("mark", ")")
        left = self._property(str(name.value))
        values = frozenset(self._comparable(left, self._list_item(left, text), "In") for text in texts)
        if left.field is None:
            return Predicate(one_of("", values, left.read).test, fields=left.fields)
        return one_of(left.field, values, left.read)

    def _list_item(self, left: _Operand, text: str) -> _Literal:
        if left.edm is EdmType.STRING:
            return _Literal("string", text, text)
        found = list(tokens(text, self._dialect))
        return self._as_literal(found[0])

    def _list(self) -> list[str]:
        token = self._tokens[self._at]
        if token.kind == "alias":
            self._at += 1
            try:
                return msgspec.json.decode(self._alias(token), type=list[str], strict=False)
            except msgspec.DecodeError as error:
                raise self._dialect.bad_query(
                    f"The value of parameter '{token.text}' is not a list: {error}"
                ) from error
        self.expect("mark", "[")
        values = [self._member()]
        while self._take("mark", ","):
            values.append(self._member())
        self.expect("mark", "]")
        return values

    def _member(self) -> str:
        if self._tokens[self._at].kind == "quoted":
            return str(self.expect("quoted").value)
        return str(self._literal().value)

    def _alias(self, token: Token) -> str:
        if token.text not in self._aliases:
            raise self._dialect.bad_query(f"The parameter alias '{token.text}' has no value.")
        return self._aliases[token.text]

    def _literal(self) -> _Literal:
        token = self._tokens[self._at]
        self._at += 1
        if token.kind == "alias":
            return self._as_literal(next(tokens(self._alias(token), self._dialect)))
        return self._as_literal(token)

    def _as_literal(self, token: Token) -> _Literal:
        if token.kind == "name" and token.text in _CONSTANTS:
            value = _CONSTANTS[token.text]
            return _Literal("null" if value is None else "boolean", value, token.text)
        if token.kind not in _LITERAL_TYPES:
            raise self._syntax(token)
        return _Literal(token.kind, token.value, token.text)

    def _comparable(self, left: _Operand, literal: _Literal, word: str) -> Any:
        if literal.value is None:
            return None
        kind, value = _LITERAL_TYPES[literal.kind], literal.value
        if left.edm is EdmType.GUID and kind is EdmType.STRING and self._dialect is Dialect.CRM:
            kind = EdmType.GUID  # Dataverse takes a quoted GUID for a unique identifier
        if left.edm is EdmType.DATETIME and kind is EdmType.DATE:
            kind, value = EdmType.DATETIME, f"{value}T00:00:00Z"
        if kind is not left.edm and not (kind in _NUMBERS and left.edm in _NUMBERS):
            raise self._dialect.bad_query(
                "A binary operator with incompatible types was detected. Found operand types "
                f"'{left.edm.value}' and '{kind.value}' for operator kind '{word}'."
            )
        try:
            return comparable(kind, self._dialect)(value)
        except ValueError as error:
            raise self._dialect.bad_query(f"'{literal.text}' is not a valid {kind.value}.") from error

    def _operand(self) -> _Operand:
        token = self.expect("name")
        if token.text not in _CASES or self._tokens[self._at].text != "(":
            return self._property(token.text)
        self.expect("mark", "(")
        inner = self._operand()
        self.expect("mark", ")")
        change, read = _CASES[token.text], inner.read

        def changed(row: Row) -> Any:
            value = read(row)
            return value if value is None else change(value)

        # CRM has folded the case already: changing it again would hide equal texts
        return _Operand(inner.edm, read if self._dialect is Dialect.CRM else changed, inner.fields, None)

    def _property(self, name: str) -> _Operand:
        found = (
            self._paths(name) if self._paths is not None and "/" in name and name not in self._entity.fields else None
        )
        if found is not None:
            edm, stored = found
            change = comparable(edm, self._dialect)
            return _Operand(edm, lambda row: None if (v := stored(row)) is None else change(v), frozenset({name}), None)
        edm = self._entity.type_of(name)
        if edm is EdmType.COMPLEX:
            raise self._dialect.bad_query(f"The property '{name}' cannot be used in a $filter expression.")
        change = comparable(edm, self._dialect)
        return _Operand(edm, _reader(name, change), frozenset({name}), name)


def _never(_row: Row) -> bool:
    return False


def _reader(name: str, change: Callable[[Any], Any]) -> Read:
    def read(row: Row) -> Any:
        value = row.get(name)
        return value if value is None else change(value)

    return read
