"""The failure tree of pyhelm, drawn here once.

PyhelmError
├── ChartError            a chart cannot be loaded or is not valid
├── ValuesError           a values file, a --set flag or the schema of the values
├── TemplateError         a template failed; carries file, line, column and the chain of includes
├── ManifestError         a rendered document is no valid manifest
├── ReleaseError          a release record or a forbidden transition
├── RepoError             a repository, an index, a download
└── KubeError             an API server refused or cannot be reached; carries the Status

Every error's text is one clear sentence for a person; data for programs stands in attributes. Only `cli/` prints.
"""

from __future__ import annotations

from typing import Any

from pyhelm.records import dataclass

__all__ = [
    "ChartError",
    "Frame",
    "KubeError",
    "ManifestError",
    "PyhelmError",
    "ReleaseError",
    "RepoError",
    "TemplateError",
    "ValuesError",
]


class PyhelmError(Exception):
    """Root of all. `rendering` is what was being rendered when it came up, where anything was; `told` is the text
    for a person, where there is a better one than the error's own."""

    rendering: Any = None
    told: str = ""


class ChartError(PyhelmError):
    """A chart that cannot be loaded or is invalid."""


class ValuesError(PyhelmError):
    """Values that cannot be read, parsed or that break their schema."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One step of the way into a failing template: where it was, and in which template."""

    template: str
    """Name of the file or the named template."""
    file: str
    line: int
    column: int
    expression: str = ""
    """Source text of the failing action, shortened as Go does."""


class TemplateError(PyhelmError):
    """A template that does not parse or whose execution failed.

    `frames` goes from the outermost file to the innermost place; `cause` is the plain message; `kind` is "parse",
    "execution" or "limit"; `helm` is Helm's own wording of the whole error, where it is known.
    """

    def __init__(
        self,
        cause: str,
        frames: tuple[Frame, ...] = (),
        *,
        kind: str = "execution",
        hint: str = "",
        excerpt: str = "",
        helm: str = "",
    ) -> None:
        place = f"{frames[-1].file}:{frames[-1].line}:{frames[-1].column}: " if frames else ""
        super().__init__(f"{place}{cause}")
        self.cause = cause
        self.frames = frames
        self.kind = kind
        self.hint = hint
        self.excerpt = excerpt
        self.helm = helm or str(self)


class ManifestError(PyhelmError):
    """A document that is not valid YAML or no valid Kubernetes object."""


class ReleaseError(PyhelmError):
    """A release that is missing, taken or in the wrong state."""


class RepoError(PyhelmError):
    """A repository, index or download that failed."""


class KubeError(PyhelmError):
    """An API server's refusal, or that it cannot be reached (`code` 0)."""

    def __init__(self, message: str, *, code: int = 0, reason: str = "", status: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.status = status or {}
