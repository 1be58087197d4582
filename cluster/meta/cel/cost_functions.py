"""What each function may cost: Kubernetes' own table, then those of CEL's extensions, then CEL's.

None means that a call costs one. Sizes of arguments nobody knows count as the greatest number.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from cluster.meta.cel.cost import MOST, REGEX, TRAVERSAL, UNKNOWN, Called, Range, Seen, Sizes, fixed
from cluster.meta.cel.syntax import Literal
from cluster.meta.cel.types import Type

Args = list[Seen]
Rule = Callable[[str, Seen | None, Args, Sizes], Called | None]
_WORD = 2**64
_ONE = fixed(1)
_ADDRESS = Range(4, 16)
_NAME_PATTERN, _FORMAT = 128, 64
"""The longest patterns of named formats, and the longest texts of them."""


def own_cost(name: str, overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    """The cost of calling an overload, arguments not counted."""
    by_overload = _EXTENSIONS.get(overload)
    found = by_overload(overload, target, args, sizes) if by_overload is not None else None
    if found is None and (rule := _KUBERNETES.get(name)) is not None:
        found = rule(overload, target, args, sizes)
    if found is None and (rule := _STANDARD.get(overload)) is not None:
        found = rule(overload, target, args, sizes)
    return found


def _size(seen: Seen, sizes: Sizes) -> Range:
    if seen.size is not None:
        return seen.size
    most = sizes(seen.way) if seen.way else None
    return UNKNOWN if most is None else Range(0, most)


def _elements(seen: Seen) -> Seen | None:
    """What a list holds, as an argument of its own."""
    if not seen.type.params:
        return None
    return Seen(None, seen.type.params[0], [*seen.way, "@items"] if seen.way else [], None)


# Kubernetes.


def _always(amount: int) -> Rule:
    return lambda overload, target, args, sizes: Called(fixed(amount))


def _selector(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    if len(args) != 1:
        return None
    size = _size(args[0], sizes)
    requirements = size.scaled(0.5).scaled(50.0)
    return Called(fixed(10).add(size.scaled(TRAVERSAL)).add(requirements))


def _searched(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    if target is None:
        return None
    element = _elements(target)
    size = _size(target, sizes)
    if element is None:
        return Called(size.scaled(TRAVERSAL))
    each = _ONE
    if element.type.kind in ("string", "bytes"):
        each = each.add(_size(element, sizes).scaled(TRAVERSAL))
    return Called(size.times(each))


def _read(factor: float, keeps: bool = False) -> Rule:
    """Goes through its first argument."""

    def rule(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
        if not args or (keeps and len(args) != 1):
            return None
        size = _size(args[0], sizes)
        return Called(size.scaled(factor), size if keeps else None)

    return rule


def _changed(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    if target is None:
        return None
    size = _size(target, sizes)
    return Called(size.scaled(TRAVERSAL), size)


def _replaced(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    if target is None or len(args) < 2:
        return None
    size, old, new = _size(target, sizes), _size(args[0], sizes), _size(args[1], sizes)
    most, most_kept = _most_replaced(size, old, new)
    least, least_kept = _least_replaced(size, old, new)
    result = Range(least, most).times(new).add(Range(least_kept, most_kept))
    return Called(size.scaled(2 * TRAVERSAL), result)


def _most_replaced(size: Range, old: Range, new: Range) -> tuple[int, int]:
    """How often a replacement may happen, and what is kept of the text."""
    if old.least == 0:
        return min(size.most + 1, MOST), size.most
    if new.most <= old.least:
        return 0, size.most
    return math.ceil(float(size.most) / float(old.least)), 0


def _least_replaced(size: Range, old: Range, new: Range) -> tuple[int, int]:
    if old.most == 0:
        return min(size.least + 1, MOST), size.least
    if old.most <= new.least:
        return 0, size.least
    return math.ceil(float(size.least) / float(old.most)), 0


def _split(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    if target is None:
        return None
    size = _size(target, sizes)
    most = size.most
    if len(args) > 1:
        most = _number(args[1], most)
    return Called(size.scaled(2 * TRAVERSAL), Range(0, most))


def _number(seen: Seen, otherwise: int) -> int:
    node = seen.node
    if isinstance(node, Literal) and isinstance(node.value, int) and not isinstance(node.value, bool):
        return node.value % _WORD
    return otherwise


def _join(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    if target is None:
        return None
    count, size = _size(target, sizes), Range(0, 0)
    element = _elements(target)
    if element is not None:
        size = count.times(_size(element, sizes))
    if args:
        between = Range(max(count.least - 1, 0), max(count.most - 1, 0))
        size = size.add(_size(args[0], sizes).times(between))
    return Called(size.scaled(TRAVERSAL), size)


def _pattern_cost(size: Range, pattern: Range) -> Range:
    """One more than the text, so that an empty one is not free."""
    return size.add(_ONE).scaled(TRAVERSAL).times(pattern.scaled(REGEX))


def _find(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    if target is None or not args:
        return None
    size = _size(target, sizes)
    return Called(_pattern_cost(size, _size(args[0], sizes)), Range(0, size.most))


def _ip(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    if overload == "cidr_ip":
        return Called(_ONE)
    return Called(_size(args[0], sizes).scaled(TRAVERSAL)) if args else None


def _contains_ip(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    if not args:
        return None
    cost = _ADDRESS.add(_ADDRESS).scaled(TRAVERSAL)
    if overload == "cidr_contains_ip_string":
        cost = cost.add(_size(args[0], sizes).scaled(TRAVERSAL))
    return Called(cost)


def _contains_cidr(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    if not args:
        return None
    cost = _ADDRESS.add(_ADDRESS).scaled(TRAVERSAL).add(_ADDRESS.scaled(TRAVERSAL)).add(_ONE)
    if overload == "cidr_contains_cidr_string":
        cost = cost.add(_size(args[0], sizes).scaled(TRAVERSAL))
    return Called(cost)


def _validate(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    if not args:
        return None
    return Called(_size(args[0], sizes).scaled(TRAVERSAL).scaled(_NAME_PATTERN * REGEX))


_AT_ONCE = frozenset(("net.IP", "net.CIDR", "kubernetes.Quantity", "kubernetes.Semver"))


def _same(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    """Equality of values that are not gone through."""
    if len(args) != 2 or args[0].type != args[1].type:
        return None
    held: Type = args[0].type
    if held.name in _AT_ONCE or held.name.startswith("kubernetes.authorization."):
        return Called(_ONE)
    if held.name == "kubernetes.NamedFormat":
        return Called(Range(1, _FORMAT).scaled(TRAVERSAL))
    if held.name == "kubernetes.URL":
        size = args[1].size or _ONE
        return Called(Range(1, size.most).scaled(TRAVERSAL))
    return None


_KUBERNETES: dict[str, Rule] = {
    "check": _always(350000),
    **dict.fromkeys(
        (
            "serviceAccount", "path", "group", "resource", "subresource", "namespace", "name", "allowed", "reason",
            "error", "errored", "masked", "prefixLength", "family", "isUnspecified", "isLoopback",
            "isLinkLocalMulticast", "isLinkLocalUnicast", "isGlobalUnicast", "format.named", "sign", "asInteger",
            "isInteger", "asApproximateFloat", "isGreaterThan", "isLessThan", "compareTo", "add", "sub", "major",
            "minor", "patch", "getScheme", "getHostname", "getHost", "getPort", "getEscapedPath", "getQuery",
        ),
        _always(1),
    ),
    **dict.fromkeys(("fieldSelector", "labelSelector"), _selector),
    **dict.fromkeys(("isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"), _searched),
    **dict.fromkeys(("url", "jsonpatch.escapeKey"), _read(TRAVERSAL, keeps=True)),
    **dict.fromkeys(("lowerAscii", "upperAscii", "substring", "trim"), _changed),
    "replace": _replaced,
    "split": _split,
    "join": _join,
    **dict.fromkeys(("find", "findAll"), _find),
    **dict.fromkeys(("cidr", "isIP", "isCIDR", "quantity", "isQuantity", "semver", "isSemver"), _read(TRAVERSAL)),
    "ip": _ip,
    "ip.isCanonical": _read(2 * TRAVERSAL),
    "containsIP": _contains_ip,
    "containsCIDR": _contains_cidr,
    "validate": _validate,
    "_==_": _same,
}  # fmt: skip


# Extensions.


def _sets(factor: float) -> Rule:
    def rule(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
        if len(args) != 2:
            return None
        return Called(_size(args[0], sizes).times(_size(args[1], sizes)).scaled(factor).add(_ONE))

    return rule


def _new_list(factor: float, size: Range) -> Called:
    return Called(size.scaled(factor).add(_ONE).add(fixed(10)), size)


def _slice(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    if target is None or len(args) != 2:
        return None
    start, end = _number(args[0], 0), _number(args[1], _size(target, sizes).most)
    return _new_list(1, fixed((end - start) % _WORD))


def _range(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    return _new_list(1, fixed(_number(args[0], MOST))) if target is None and len(args) == 1 else None


def _reverse(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    return _new_list(1, _size(target, sizes)) if target is not None and not args else None


def _flatten(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    if target is None or len(args) > 1:
        return None
    return _new_list(float(_number(args[0], MOST)) if args else 1, _size(target, sizes))


def _distinct(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    if target is None or args:
        return None
    size = _size(target, sizes)
    return _new_list(2.0, size.times(size))


def _sort(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    by = args[0] if args else target
    if by is None:
        return None
    size = _size(by, sizes)
    texts = overload.startswith(("list_string_", "list_bytes_"))
    return _new_list(2.0 + TRAVERSAL if texts else 2.0, size.times(size))


_SORTABLE = (
    "int",
    "uint",
    "double",
    "bool",
    "google.protobuf.Duration",
    "google.protobuf.Timestamp",
    "string",
    "bytes",
)
_EXTENSIONS: dict[str, Rule] = {
    "list_sets_contains_list": _sets(1),
    "list_sets_intersects_list": _sets(1),
    "list_sets_equivalent_list": _sets(2),
    "list_slice": _slice,
    "list_flatten": _flatten,
    "list_flatten_int": _flatten,
    "lists_range": _range,
    "list_reverse": _reverse,
    "list_distinct": _distinct,
    **{f"list_{name}_sort": _sort for name in _SORTABLE},
    **{f"list_{name}_sortByAssociatedKeys": _sort for name in _SORTABLE},
}


# CEL itself.


def _format(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    return Called((target.size or UNKNOWN).scaled(TRAVERSAL)) if target is not None else None


def _to_bytes(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    size = args[0].size or UNKNOWN
    return Called(size.scaled(TRAVERSAL), Range(size.least, size.most * 4 % _WORD))


def _to_text(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    size = args[0].size or UNKNOWN
    return Called(size.scaled(TRAVERSAL), Range(size.least // 4, size.most))


def _quote(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    size = args[0].size or UNKNOWN
    return Called(size.scaled(TRAVERSAL), Range((size.least + 2) % _WORD, (size.most * 2 + 2) % _WORD))


def _prefix(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    return Called((args[0].size or UNKNOWN).scaled(TRAVERSAL)) if len(args) == 1 else None


def _in(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    return Called((args[1].size or UNKNOWN).scaled(1)) if len(args) == 2 else None


def _matches(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    if target is None or len(args) != 1:
        return None
    return Called(_pattern_cost(target.size or UNKNOWN, args[0].size or UNKNOWN))


def _contains(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    if target is None or len(args) != 1:
        return None
    return Called((target.size or UNKNOWN).scaled(TRAVERSAL).times((args[0].size or UNKNOWN).scaled(TRAVERSAL)))


def _compared(overload: str, target: Seen | None, args: Args, sizes: Sizes) -> Called | None:
    most = min((args[0].size or UNKNOWN).most, (args[1].size or UNKNOWN).most)
    return Called(Range(1 if most > 0 else 0, most).scaled(TRAVERSAL))


_STANDARD: dict[str, Rule] = {
    "string_format": _format,
    "string_to_bytes": _to_bytes,
    "bytes_to_string": _to_text,
    "strings_quote": _quote,
    "starts_with_string": _prefix,
    "ends_with_string": _prefix,
    "in_list": _in,
    "matches_string": _matches,
    "contains_string": _contains,
    **dict.fromkeys(
        (
            "less_string", "greater_string", "less_equals_string", "greater_equals_string", "less_bytes",
            "greater_bytes", "less_equals_bytes", "greater_equals_bytes", "equals", "not_equals",
        ),
        _compared,
    ),
}  # fmt: skip
