"""The syntax of names, label keys and values, ports and the like, with the words Kubernetes refuses them in.

Each check returns the list of faults, empty when the value is fine. Kubernetes has two generations of these
checks whose texts differ in one word ("bytes" or "characters" in the length fault); `unit` chooses, and the
default is the one the field's own validation uses.
"""

from __future__ import annotations

import json
import re

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = _LABEL + r"(\." + _LABEL + ")*"
_KEY = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = f"({_KEY})?"
_DNS1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_UNDERSCORE = r"_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*"
_WILDCARD = r"\*\." + _SUBDOMAIN
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_ENV_NAME = "[-._a-zA-Z][-._a-zA-Z0-9]*"
_C_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
_PERCENT = "[0-9]+%"
_HEADER = "[-A-Za-z0-9]+"
_HTTP_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"

_label = re.compile(_LABEL).fullmatch
_subdomain = re.compile(_SUBDOMAIN).fullmatch
_underscore = re.compile(_UNDERSCORE).fullmatch
_key = re.compile(_KEY).fullmatch
_value = re.compile(_VALUE).fullmatch
_dns1035 = re.compile(_DNS1035).fullmatch

_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
    "with an alphanumeric character"
)
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character"
)
_UNDERSCORE_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must "
    "start and end with an alphanumeric character"
)
_WILDCARD_RULE = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
    "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
)
_KEY_RULE = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
    "and end with an alphanumeric character"
)
_DNS1035_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
    "character, and end with an alphanumeric character"
)


def regex_error(rule: str, pattern: str, *examples: str) -> str:
    """A rule with its examples and its pattern, as every syntax fault ends."""
    if not examples:
        return f"{rule} (regex used for validation is '{pattern}')"
    shown = " or ".join(f"'{example}', " for example in examples)
    return f"{rule} (e.g. {shown}regex used for validation is '{pattern}')"


def length_error(limit: int, unit: str = "characters") -> str:
    return f"must be no more than {limit} {unit}"


def range_error(low: int, high: int) -> str:
    return f"must be between {low} and {high}, inclusive"


def _size(value: str) -> int:
    return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))


def _too_long(value: str, limit: int, unit: str) -> list[str]:
    return [length_error(limit, unit)] if _size(value) > limit else []


def dns1123_label(value: str, unit: str = "characters") -> list[str]:
    faults = _too_long(value, 63, unit)
    if not _label(value):
        dotted = _subdomain(value) is not None
        text = regex_error(_LABEL_RULE, _LABEL, "my-name", "123-abc")
        faults.append("must not contain dots" if dotted else text)
    return faults


def dns1123_subdomain(value: str, unit: str = "characters") -> list[str]:
    faults = _too_long(value, 253, unit)
    if not _subdomain(value):
        faults.append(regex_error(_SUBDOMAIN_RULE, _SUBDOMAIN, "example.com"))
    return faults


def dns1123_subdomain_with_underscore(value: str) -> list[str]:
    faults = _too_long(value, 253, "characters")
    if not _underscore(value):
        faults.append(regex_error(_UNDERSCORE_RULE, _UNDERSCORE, "example.com"))
    return faults


def wildcard_dns1123_subdomain(value: str) -> list[str]:
    faults = _too_long(value, 253, "characters")
    if not re.fullmatch(_WILDCARD, value):
        faults.append(regex_error(_WILDCARD_RULE, _WILDCARD, "*.example.com"))
    return faults


def dns1035_label(value: str) -> list[str]:
    faults = _too_long(value, 63, "characters")
    if not _dns1035(value):
        faults.append(regex_error(_DNS1035_RULE, _DNS1035, "my-name", "abc-123"))
    return faults


def label_key(value: str) -> list[str]:
    """A label key or qualified name: an optional DNS prefix, a slash, a name."""
    parts = value.split("/")
    pattern = regex_error(_KEY_RULE, _KEY, "MyName", "my.name", "123-abc")
    if len(parts) > 2:
        tail = " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return [f"a valid label key {pattern}{tail}"]
    faults = _key_prefix(parts[0]) if len(parts) == 2 else []
    name = parts[-1]
    if not name:
        faults.append("name part must be non-empty")
    elif _size(name) > 63:
        faults.append("name part " + length_error(63, "bytes"))
    if not _key(name):
        faults.append("name part " + pattern)
    return faults


def _key_prefix(prefix: str) -> list[str]:
    if not prefix:
        return ["prefix part must be non-empty"]
    return ["prefix part " + fault for fault in dns1123_subdomain(prefix, "bytes")]


def label_value(value: str) -> list[str]:
    faults = _too_long(value, 63, "bytes")
    if not _value(value):
        faults.append(regex_error(_VALUE_RULE, _VALUE, "MyValue", "my_value", "12345"))
    return faults


def port_name(value: str) -> list[str]:
    """An IANA service name, as container ports and numeric-or-name target ports must have."""
    faults = _too_long(value, 15, "characters")
    if not re.fullmatch("[-a-z0-9]+", value):
        faults.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", value):
        faults.append("must contain at least one letter (a-z)")
    if "--" in value:
        faults.append("must not contain consecutive hyphens")
    if value and "-" in (value[0], value[-1]):
        faults.append("must not begin or end with a hyphen")
    return faults


def port_number(value: int) -> list[str]:
    return [] if 1 <= value <= 65535 else [range_error(1, 65535)]


def percent(value: str) -> list[str]:
    if re.fullmatch(_PERCENT, value):
        return []
    rule = "a valid percent string must be a numeric string followed by an ending '%'"
    return [regex_error(rule, _PERCENT, "1%", "93%")]


def http_header_name(value: str) -> list[str]:
    if re.fullmatch(_HEADER, value):
        return []
    rule = "a valid HTTP header must consist of alphanumeric characters or '-'"
    return [regex_error(rule, _HEADER, "X-Header-Name")]


def _parent_directory(value: str) -> list[str]:
    if value in (".", ".."):
        return [f"must not be '{value}'"]
    return ["must not start with '..'"] if value.startswith("..") else []


def config_key(value: str) -> list[str]:
    """A key of a ConfigMap or a Secret."""
    faults = _too_long(value, 253, "characters")
    if not re.fullmatch(_CONFIG_KEY, value):
        rule = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
        faults.append(regex_error(rule, _CONFIG_KEY, "key.name", "KEY_NAME", "key-name"))
    return faults + _parent_directory(value)


def env_name(value: str) -> list[str]:
    faults = []
    if not re.fullmatch(_ENV_NAME, value):
        rule = (
            "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and "
            "must not start with a digit"
        )
        faults.append(regex_error(rule, _ENV_NAME, "my.env-name", "MY_ENV.NAME", "MyEnvName1"))
    return faults + _parent_directory(value)


def relaxed_env_name(value: str) -> list[str]:
    """Any printable ASCII but '=', the rule since Kubernetes 1.34."""
    faults = [] if value else ["environment variable name must be non-empty"]
    if any(not " " <= char <= "~" or char == "=" for char in value):
        faults.append(
            "a valid environment variable name must consist only of printable ASCII characters other than '='"
        )
    return faults


def path_segment(value: str, prefix: bool = False) -> list[str]:
    """A name that becomes one segment of a URL path: RBAC roles and the like."""
    if not prefix and value in (".", ".."):
        return [f"may not be '{value}'"]
    return [f"may not contain '{char}'" for char in ("/", "%") if char in value]


def masked_prefix(name: str) -> str:
    """What a generateName prefix is checked as: its end becomes a letter where it is a dash, for a suffix will
    follow. Kubernetes takes the character before the dash away, too."""
    return name[:-2] + "a" if len(name) > 1 and name.endswith("-") else name


def unaskable(name: str) -> str:
    """Why a client of the API would not even ask for an object of that name, or nothing."""
    if not name:
        return "resource name may not be empty"
    if name in (".", ".."):
        return f"invalid resource name {json.dumps(name)}: [may not be '{name}']"
    found = path_segment(name)
    return f"invalid resource name {json.dumps(name)}: [{' '.join(found)}]" if found else ""
