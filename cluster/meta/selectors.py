"""Label and field selectors: the string grammar, the LabelSelector dict, and matching.

The grammar and the texts of its errors are those of k8s.io/apimachinery/pkg/labels and .../fields. A selector
is immutable; `.matches` is on the hot path of lists and watches and is nothing but dictionary look-ups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cluster.meta import names
from cluster.meta.decimals import is_digits, whole
from cluster.meta.field import FieldError, invalid, not_supported

Labels = Mapping[str, str]


class SelectorError(ValueError):
    """The selector cannot be read; the message is the API server's."""


# -- one requirement ---------------------------------------------------------------------------------------

_SIGNS = {"=": "=", "==": "==", "!=": "!=", "gt": ">", "lt": "<"}


@dataclass(frozen=True, slots=True)
class Requirement:
    """`key operator values`; the operators are =, ==, !=, in, notin, exists, !, gt, lt; values are sorted."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Labels) -> bool:
        return _MATCH[self.operator](self, labels)

    def __str__(self) -> str:
        if self.operator == "exists":
            return self.key
        if self.operator == "!":
            return f"!{self.key}"
        if self.operator in _SIGNS:
            return f"{self.key}{_SIGNS[self.operator]}{self.values[0]}"
        return f"{self.key} {self.operator} ({','.join(self.values)})"


def _among(need: Requirement, labels: Labels) -> bool:
    return labels.get(need.key) in need.values


def _not_among(need: Requirement, labels: Labels) -> bool:
    return need.key not in labels or labels[need.key] not in need.values


def _greater(need: Requirement, labels: Labels) -> bool:
    found = _integer(labels.get(need.key, ""))
    return found is not None and found > int(need.values[0])


def _less(need: Requirement, labels: Labels) -> bool:
    found = _integer(labels.get(need.key, ""))
    return found is not None and found < int(need.values[0])


_MATCH: dict[str, Callable[[Requirement, Labels], bool]] = {
    "=": _among,
    "==": _among,
    "in": _among,
    "!=": _not_among,
    "notin": _not_among,
    "exists": lambda need, labels: need.key in labels,
    "!": lambda need, labels: need.key not in labels,
    "gt": _greater,
    "lt": _less,
}


def _integer(text: str) -> int | None:
    """As strconv.ParseInt(text, 10, 64) reads it."""
    digits = text[1:] if text[:1] in ("-", "+") else text
    if not is_digits(digits):
        return None
    value = whole(text)
    return value if -(2**63) <= value < 2**63 else None


def require(key: str, operator: str, values: Iterable[str] = ()) -> Requirement:
    """A checked requirement. Raises SelectorError."""
    listed = tuple(sorted(set(values)))
    faults = _requirement_faults(key, operator, listed)
    if faults:
        raise SelectorError(_aggregate(faults))
    return Requirement(key, operator, listed)


def _aggregate(faults: Sequence[FieldError]) -> str:
    texts = list(dict.fromkeys(f"{fault.path or '<nil>'}: {fault.body()}" for fault in faults))
    return texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"


def _requirement_faults(key: str, operator: str, values: tuple[str, ...]) -> list[FieldError]:
    faults = []
    key_faults = names.label_key(key)
    if key_faults:
        faults.append(invalid("", key, "; ".join(key_faults)))
    faults += _count_faults(operator, values)
    for index, value in enumerate(values):
        value_faults = names.label_value(value)
        if value_faults:
            faults.append(invalid(f"values[{index}][{key}]", value, "; ".join(value_faults)))
    return faults


def _count_faults(operator: str, values: tuple[str, ...]) -> list[FieldError]:
    if operator in ("in", "notin"):
        return [] if values else [invalid("values", [], "for 'in', 'notin' operators, values set can't be empty")]
    if operator in ("exists", "!"):
        text = "values set must be empty for exists and does not exist"
        return [invalid("values", list(values), text)] if values else []
    if operator in ("=", "==", "!="):
        one = len(values) == 1
        return [] if one else [invalid("values", list(values), "exact-match compatibility requires one single value")]
    if operator in ("gt", "lt"):
        return _number_faults(values)
    return [not_supported("operator", operator, ["in", "notin", "=", "==", "!=", "gt", "lt", "exists", "!"])]


def _number_faults(values: tuple[str, ...]) -> list[FieldError]:
    faults = []
    if len(values) != 1:
        faults.append(invalid("values", list(values), "for 'Gt', 'Lt' operators, exactly one value is required"))
    for index, value in enumerate(values):
        if _integer(value) is None:
            text = "for 'Gt', 'Lt' operators, the value must be an integer"
            faults.append(invalid(f"values[{index}]", value, text))
    return faults


# -- label selectors ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All requirements must hold. `nothing` selects no object at all (a null LabelSelector)."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False

    @classmethod
    def parse(cls, text: str) -> LabelSelector:
        """Read `a=b,c in (d,e),!f`. The empty string selects everything. Raises SelectorError."""
        return _parse_labels(text)

    @classmethod
    def from_dict(cls, selector: Mapping[str, Any] | None) -> LabelSelector:
        """A LabelSelector of the API (matchLabels, matchExpressions); null selects nothing, {} everything."""
        if selector is None:
            return NOTHING
        found = [require(k, "=", (v,)) for k, v in (selector.get("matchLabels") or {}).items()]
        found += [_expression(e) for e in selector.get("matchExpressions") or ()]
        return cls(tuple(sorted(found, key=lambda need: need.key)))

    @classmethod
    def from_labels(cls, labels: Labels | None) -> LabelSelector:
        """A plain map, as Services and ReplicationControllers have it; unchecked; an empty one selects everything."""
        return cls(tuple(Requirement(k, "=", (v,)) for k, v in sorted((labels or {}).items())))

    def matches(self, labels: Labels | None) -> bool:
        if self.nothing:
            return False
        labels = labels or {}
        return all(need.matches(labels) for need in self.requirements)

    @property
    def empty(self) -> bool:
        """Selects everything."""
        return not self.requirements and not self.nothing

    def exact(self) -> dict[str, str]:
        """The labels that every selected object must carry: a hint for indexes."""
        return {n.key: n.values[0] for n in self.requirements if n.operator in ("=", "==", "in") and len(n.values) == 1}

    def __str__(self) -> str:
        """The canonical text, which `parse` reads back."""
        return ",".join(str(need) for need in self.requirements)


NOTHING = LabelSelector(nothing=True)

_EXPRESSION_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}


def _expression(expression: Mapping[str, Any]) -> Requirement:
    operator = str(expression.get("operator") or "")
    if operator not in _EXPRESSION_OPERATORS:
        raise SelectorError(f'"{operator}" is not a valid label selector operator')
    return require(str(expression.get("key") or ""), _EXPRESSION_OPERATORS[operator], expression.get("values") or ())


_SPECIAL = "=!(),><"
_KINDS = {
    ")": ")", ",": ",", "!": "!", "==": "operator", "=": "operator", "in": "in", "<": "operator",
    "!=": "operator", "notin": "in", ">": "operator", "(": "(",
}  # fmt: skip
_SYMBOLS = frozenset(symbol for symbol in _KINDS if symbol[0] in _SPECIAL)


def _tokens(text: str) -> list[tuple[str, str]]:
    """(kind, literal) of each token, and an end token; identifiers are of kind `id`."""
    out, at = [], 0
    while at < len(text):
        char = text[at]
        if char in " \t\r\n":
            at += 1
            continue
        literal = _symbol(text, at) if char in _SPECIAL else _word(text, at)
        out.append((_KINDS.get(literal, "id"), literal))
        at += len(literal)
    out.append(("end", ""))
    return out


def _symbol(text: str, at: int) -> str:
    return text[at : at + 2] if text[at : at + 2] in _SYMBOLS else text[at]


def _word(text: str, at: int) -> str:
    end = at
    while end < len(text) and text[end] not in _SPECIAL and text[end] not in " \t\r\n\0":
        end += 1
    return text[at : end or at + 1] if end > at else text[at]


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.at = 0

    def peek(self, values: bool = True) -> tuple[str, str]:
        """The next token; where values are expected, `in` and `notin` are plain words."""
        kind, literal = self.tokens[self.at]
        return ("id" if values and kind == "in" else kind), literal

    def take(self, values: bool = True) -> tuple[str, str]:
        token = self.peek(values)
        if self.at < len(self.tokens) - 1:
            self.at += 1
        return token

    def selector(self) -> list[Requirement]:
        found: list[Requirement] = []
        while True:
            kind, literal = self.peek()
            if kind == "end":
                return found
            if kind not in ("id", "!"):
                raise SelectorError(f"found '{literal}', expected: !, identifier, or 'end of string'")
            found.append(self._requirement())
            if self._separator():
                return found

    def _separator(self) -> bool:
        """True at the end of the text."""
        kind, literal = self.take()
        if kind == "end":
            return True
        if kind != ",":
            raise SelectorError(f"found '{literal}', expected: ',' or 'end of string'")
        kind, literal = self.peek()
        if kind not in ("id", "!"):
            raise SelectorError(f"found '{literal}', expected: identifier after ','")
        return False

    def _requirement(self) -> Requirement:
        try:
            return self._checked_requirement()
        except SelectorError as error:
            raise SelectorError(f"unable to parse requirement: {error}") from None

    def _checked_requirement(self) -> Requirement:
        kind, literal = self.take()
        absent = kind == "!"
        if absent:
            kind, literal = self.take()
        if kind != "id":
            raise SelectorError(f"found '{literal}', expected: identifier")
        faults = names.label_key(literal)
        if faults:
            raise SelectorError(_aggregate([invalid("", literal, "; ".join(faults))]))
        if absent or self.peek()[0] in ("end", ","):
            return require(literal, "!" if absent else "exists")
        operator = self._operator()
        return require(literal, operator, self._set() if operator in ("in", "notin") else self._single())

    def _operator(self) -> str:
        kind, literal = self.take(values=False)
        if kind not in ("operator", "in"):
            raise SelectorError(f"found '{literal}', expected: in, notin, =, ==, !=, gt, lt")
        return {">": "gt", "<": "lt"}.get(literal, literal)

    def _single(self) -> list[str]:
        if self.peek()[0] in ("end", ","):
            return [""]
        kind, literal = self.take()
        if kind != "id":
            raise SelectorError(f"found '{literal}', expected: identifier")
        return [literal]

    def _set(self) -> list[str]:
        kind, literal = self.take()
        if kind != "(":
            raise SelectorError(f"found '{literal}' expected: '('")
        kind, literal = self.peek()
        if kind == ")":
            self.take()
            return [""]
        if kind not in ("id", ","):
            raise SelectorError(f"found '{literal}', expected: ',', ')' or identifier")
        values = self._set_items()
        kind, literal = self.take()
        if kind != ")":
            raise SelectorError(f"found '{literal}', expected: ')'")
        return values

    def _set_items(self) -> list[str]:
        values: list[str] = []
        while True:
            kind, literal = self.take()
            if kind == "id":
                values.append(literal)
                if self._item_ends():
                    return values
            elif kind == ",":
                if self._after_comma(values):
                    return values
            else:
                raise SelectorError(f"found '{literal}', expected: ',', or identifier")

    def _item_ends(self) -> bool:
        kind, literal = self.peek()
        if kind not in (",", ")"):
            raise SelectorError(f"found '{literal}', expected: ',' or ')'")
        return kind == ")"

    def _after_comma(self, values: list[str]) -> bool:
        """An empty item stands before, between or after commas; true at the closing bracket."""
        if not values:
            values.append("")
        kind = self.peek()[0]
        if kind == ")":
            values.append("")
            return True
        if kind == ",":
            self.take()
            values.append("")
        return False


@lru_cache(maxsize=1024)
def _parse_labels(text: str) -> LabelSelector:
    found = _Parser(text).selector()
    return LabelSelector(tuple(sorted(found, key=lambda need: need.key)))


# -- field selectors ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """`field = value` or, with `equal` false, `field != value`."""

    field: str
    value: str
    equal: bool = True


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """All terms must hold. A field an object does not have counts as the empty string."""

    terms: tuple[FieldTerm, ...] = ()

    @classmethod
    def parse(cls, text: str) -> FieldSelector:
        """Read `metadata.name=x,status.phase!=Running`; `\\,`, `\\=` and `\\\\` are escapes. Raises SelectorError."""
        parts = sorted(part for part in _split_terms(text) if part)
        terms = (_term(text, part) for part in parts)
        return cls(tuple(term for term in terms if term.field or term.value))

    def matches(self, fields: Mapping[str, str]) -> bool:
        return all((fields.get(term.field, "") == term.value) is term.equal for term in self.terms)

    @property
    def empty(self) -> bool:
        return not self.terms

    def exact(self, field: str) -> str | None:
        """The one value this field must have, if the selector says so."""
        return next((t.value for t in self.terms if t.equal and t.field == field), None)

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(term.field for term in self.terms)

    def __str__(self) -> str:
        return ",".join(f"{t.field}{'=' if t.equal else '!='}{escape_field_value(t.value)}" for t in self.terms)


def _split_terms(text: str) -> list[str]:
    parts, start, escaped = [], 0, False
    for at, char in enumerate(text):
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == ",":
            parts.append(text[start:at])
            start = at + 1
    parts.append(text[start:])
    return parts


def _term(text: str, part: str) -> FieldTerm:
    for at in range(len(part)):
        for sign in ("!=", "==", "="):
            if part.startswith(sign, at):
                return FieldTerm(part[:at], _unescape(part[at + len(sign) :]), sign != "!=")
    raise SelectorError(f"invalid selector: '{text}'; can't understand '{part}'")


def _unescape(value: str) -> str:
    if not any(char in value for char in "\\,="):
        return value
    out, escaped = [], False
    for char in value:
        if escaped:
            if char not in "\\,=":
                raise SelectorError(f"invalid field selector: invalid escape sequence: \\{char}")
            out.append(char)
            escaped = False
        elif char == "\\":
            escaped = True
        elif char in ",=":
            raise SelectorError(f"invalid field selector: unescaped character in value: {ord(char)}")
        else:
            out.append(char)
    if escaped:
        raise SelectorError("invalid field selector: invalid escape sequence: \\")
    return "".join(out)


def escape_field_value(value: str) -> str:
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")
