"""The functions of Go templates as plain callables, found by name and imported only when a template names them.

Callables take Go's positional arguments and know nothing of the engine; those that need it (include, tpl, lookup,
required, fail, getHostByName) stand in the catalog with the module "engine" and are supplied by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

from pyhelm.engine.functions.arguments import checked
from pyhelm.engine.functions.catalog import MODULES, SIGNATURES
from pyhelm.engine.functions.errors import GoCallError, GoTypeError

__all__ = ["ENGINE_FUNCTIONS", "FUNCTIONS", "SIGNATURES", "GoCallError", "GoTypeError", "resolve"]

ENGINE_FUNCTIONS = frozenset(name for name, (module, _) in MODULES.items() if module == "engine")
"""The names whose callables the engine supplies."""

_resolved: dict[str, Callable[..., Any]] = {}


def resolve(name: str) -> Callable[..., Any]:
    """The callable for `name`, which checks the run-time types of its arguments; KeyError when there is none."""
    found = _resolved.get(name)
    if found is None:
        module, attribute = MODULES[name]
        if module == "engine":
            raise KeyError(name)
        function = getattr(import_module(f"{__name__}.{module}"), attribute)
        found = _resolved[name] = checked(function, SIGNATURES[name])
    return found


class _Lazy(Mapping[str, Callable[..., Any]]):
    """The catalog as a mapping; a value is imported when it is first asked for."""

    def __getitem__(self, name: str) -> Callable[..., Any]:
        return resolve(name)

    def __iter__(self) -> Iterator[str]:
        return (name for name in MODULES if name not in ENGINE_FUNCTIONS)

    def __len__(self) -> int:
        return len(MODULES) - len(ENGINE_FUNCTIONS)

    def __contains__(self, name: object) -> bool:
        return name in MODULES and name not in ENGINE_FUNCTIONS


FUNCTIONS: Mapping[str, Callable[..., Any]] = _Lazy()
