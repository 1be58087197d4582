"""How a template function fails, and the convention between the functions and the engine that calls them.

The engine calls a function directly, positionally, with evaluated arguments (a piped value comes last). It needs:

* `functions.FUNCTIONS[name]`: the callable;
* `functions.SIGNATURES[name]`: `"string,int,...any->string"`, Go types as Go prints them (`any` for interface {},
  `...T` last for variadic). From it the compiler checks the number of arguments, converts or refuses literal
  arguments (`expected string; found 5`) and knows which results are already text (`->string`), so callables see
  neither literals of the wrong kind nor a wrong number of arguments from Go templates;
* `pyhelm.engine.goprint`: `to_text(value)` (what an action prints), `type_of(value)` (Go's type name), `GoInt`
  (an int subclass: Go's `int`, which literals, `len` and range indexes are; a plain Python int is int64).

Objects that are neither str, number, bool, list, dict nor None offer `go_field(name, *arguments)` (fields and
methods; KeyError when there is none) and, for messages, `go_type`. Truth is Python's truth.

Arguments whose run-time type does not fit raise GoTypeError with Go's text; failures of the function itself raise
GoCallError, which the engine prefixes with `error calling NAME: `. GoTypeError carries the argument's index
(0 = first):
for None raise `invalid value; expected T`; the engine itself turns that into `wrong type for value; expected T; got
interface {}` where the nil came straight from a field.
"""

from __future__ import annotations

__all__ = ["GoCallError", "GoTypeError"]


class GoCallError(Exception):
    """The function returned an error or panicked: shown as `error calling NAME: MESSAGE`."""


class GoTypeError(Exception):
    """An argument of the wrong type: shown as it stands (`wrong type for value; expected string; got float64`).

    `argument` is the place of the refused argument among those handed to the callable, -1 when unknown.
    """

    def __init__(self, message: str, argument: int = -1) -> None:
        super().__init__(message)
        self.argument = argument
