"""A pod template printed as Go's spew prints it, since pod-template-hash is a hash of that text.

Upstream hashes `spew.Sprintf("%#v", template)` with sorted map keys, no methods and no addresses. The text holds
every field of the Go structs, set or not, in the order of their declaration; that order and the types are the data
file `pod-template-go.json` (Go name, JSON name, type). Empty lists and maps print as nil, as they do after the
trip through protobuf that objects make upstream.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from typing import Any

_QUANTITY = re.compile(r"^([+-]?)(\d*)(?:\.(\d*))?([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_NO_DEC = "d:(resource.infDecAmount){Dec:(*inf.Dec)<nil>}"
_ZERO_TIME = "{Time:(time.Time){wall:(uint64)0 ext:(int64)0 loc:(*time.Location)<nil>}}"


@cache
def _types() -> dict[str, Any]:
    text = resources.files("cluster").joinpath("data", "pod-template-go.json").read_text()
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def template_text(template: dict[str, Any]) -> str:
    """The dump of a core/v1 PodTemplateSpec."""
    return _typed("v1.PodTemplateSpec", template)


def _name(go_type: str) -> str:
    return go_type.replace("metav1.", "v1.")


def _typed(go_type: str, value: Any) -> str:
    return f"({_name(go_type)}){_bare(go_type, value)}"


def _bare(go_type: str, value: Any) -> str:
    """The value without its own type, as elements of lists and maps are printed."""
    if go_type[0] == "*":
        return "<nil>" if value is None else _bare(go_type[1:], value)
    if go_type.startswith("[]"):
        return _list(go_type[2:], value)
    if go_type.startswith("map["):
        return _map(go_type, value)
    return _scalar_or_struct(go_type, value)


def _list(element: str, value: Any) -> str:
    if not value:
        return "<nil>"
    return "[" + " ".join(_element(element, v) for v in value) + "]"


def _element(go_type: str, value: Any) -> str:
    """Inside lists and maps a pointer shows as `<*>` before what it points to."""
    return f"<*>{_bare(go_type[1:], value)}" if go_type[0] == "*" else _bare(go_type, value)


def _map(go_type: str, value: Any) -> str:
    if not value:
        return "<nil>"
    element = go_type[go_type.index("]") + 1 :]
    return "map[" + " ".join(f"{k}:{_element(element, value[k])}" for k in sorted(value)) + "]"


def _scalar_or_struct(go_type: str, value: Any) -> str:
    if go_type == "string":
        return "" if value is None else str(value)
    if go_type == "bool":
        return "true" if value else "false"
    if go_type in {"int", "int32", "int64", "uint8"}:
        return str(value or 0)
    if go_type == "resource.Quantity":
        return quantity_text(str(value) if value is not None else "")
    if go_type == "intstr.IntOrString":
        return _int_or_string(value)
    if go_type == "metav1.Time":
        return _ZERO_TIME
    return _declared(go_type, value)


def _declared(go_type: str, value: Any) -> str:
    declaration = _types().get(go_type)
    if isinstance(declaration, str):
        return _bare(declaration, value)
    if declaration is None:
        return "{}"
    return "{" + " ".join(_field(row, value or {}) for row in declaration) + "}"


def _field(row: list[str], value: dict[str, Any]) -> str:
    go_name, json_name, go_type = row
    inner = value.get(json_name) if json_name else value
    return f"{go_name}:{_typed(go_type, inner)}"


def _int_or_string(value: Any) -> str:
    kind, number, text = (1, 0, value) if isinstance(value, str) else (0, value or 0, "")
    return f"{{Type:(intstr.Type){kind} IntVal:(int32){number} StrVal:(string){text}}}"


def quantity_text(text: str) -> str:
    """A resource.Quantity as ParseQuantity leaves it: scaled integer, or big decimal, and perhaps the text itself."""
    if text in {"", "0"}:
        return _int_amount(0, 0, text, "DecimalSI" if text else "")
    match = _QUANTITY.match(text)
    if match is None:
        return _int_amount(0, 0, "", "")
    sign, whole, fraction, suffix = (
        match.group(1),
        match.group(2).lstrip("0"),
        match.group(3) or "",
        match.group(4) or "",
    )
    return (
        _binary(sign, whole or "0", fraction, suffix, text)
        if suffix in _BINARY
        else _decimal(sign, whole or "0", fraction, suffix, text)
    )


def _decimal(sign: str, whole: str, fraction: str, suffix: str, text: str) -> str:
    exponential = suffix[:1] in {"e", "E"} and len(suffix) > 1
    exponent = int(suffix[1:]) if exponential else _DECIMAL[suffix]
    form = "DecimalExponent" if exponential else "DecimalSI"
    scale, shifted = exponent - len(fraction), whole + fraction
    number = int(shifted) * (-1 if sign == "-" else 1)
    if len(shifted) > 18 or scale < -9:
        return _dec_amount(number, -scale, form)
    canonical = scale % 3 == 0 and not shifted.endswith("000") and shifted[0] != "0"
    return _int_amount(number, scale, text if canonical else "", form)


def _binary(sign: str, whole: str, fraction: str, suffix: str, text: str) -> str:
    exponent = _BINARY[suffix]
    number = int(whole + fraction) * (-1 if sign == "-" else 1)
    result = number << exponent
    if fraction or 15 - len(whole) - int(exponent * 3 / 10) - 1 < 0 or abs(result) >= 1 << 63:
        return _dec_amount(result, len(fraction), "BinarySI")
    return _int_amount(result, 0, text if number & 7 else "", "BinarySI")


def _int_amount(value: int, scale: int, text: str, form: str) -> str:
    return (
        f"{{i:(resource.int64Amount){{value:(int64){value} scale:(resource.Scale){scale}}} {_NO_DEC} "
        f"s:(string){text} Format:(resource.Format){form}}}"
    )


def _dec_amount(unscaled: int, scale: int, form: str) -> str:
    words, rest = [], abs(unscaled)
    while rest:
        words.append(str(rest & (1 << 64) - 1))
        rest >>= 64
    nat = f"[{' '.join(words)}]" if words else "<nil>"
    negative = "true" if unscaled < 0 else "false"
    return (
        "{i:(resource.int64Amount){value:(int64)0 scale:(resource.Scale)0} "
        f"d:(resource.infDecAmount){{Dec:(*inf.Dec){{unscaled:(big.Int){{neg:(bool){negative} abs:(big.nat){nat}}} "
        f"scale:(inf.Scale){scale}}}}} s:(string) Format:(resource.Format){form}}}"
    )
