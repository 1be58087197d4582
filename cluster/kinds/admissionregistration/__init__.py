"""The kinds of API group admissionregistration.k8s.io."""

from __future__ import annotations

from cluster.kinds.admissionregistration import (
    mutatingadmissionpolicy,
    mutatingadmissionpolicybinding,
    mutatingwebhookconfiguration,
    validatingadmissionpolicy,
    validatingadmissionpolicybinding,
    validatingwebhookconfiguration,
)
from cluster.kinds.kind import Kind

KINDS: tuple[Kind, ...] = (
    mutatingadmissionpolicy.KIND,
    mutatingadmissionpolicybinding.KIND,
    mutatingwebhookconfiguration.KIND,
    validatingadmissionpolicy.KIND,
    validatingadmissionpolicybinding.KIND,
    validatingwebhookconfiguration.KIND,
)
