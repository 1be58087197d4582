"""A failed rendering told in pyhelm's own words, which say more than Helm's: place, excerpt, way, values, hint.

Helm's wording stays with `--helm-errors`, and where the program is called helm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyhelm.cli.command import Call
from pyhelm.errors import PyhelmError, TemplateError

if TYPE_CHECKING:
    from pyhelm.actions.explain import Explanation

_INVITATION = "\n\nUse --debug flag to render out invalid YAML"


def told(call: Call, error: PyhelmError) -> str:
    """The text for a person, Helm's own where there is nothing to add."""
    found = explanation(call, error)
    if found is None:
        return str(error)
    cause, story = found
    said = cause.helm if isinstance(cause, TemplateError) else str(cause)
    whole = str(error)
    if isinstance(cause, TemplateError):
        whole = whole.removesuffix(_INVITATION)
    # What commands say before it (INSTALLATION FAILED: …) stays.
    return whole.replace(said, str(story)) if said in whole else str(story)


def explanation(call: Call, error: PyhelmError) -> tuple[PyhelmError, Explanation] | None:
    """What can be explained of an error, with the explanation; None for failures of another kind."""
    from pyhelm.actions.explain import cause_of, explain
    from pyhelm.cli.reviewflags import given_values

    cause = cause_of(error)
    if cause is None:
        return None
    try:
        given = given_values(call) if "set-literal" in call.parsed.values else []
    except PyhelmError:
        given = []
    return cause, explain(cause, given)
