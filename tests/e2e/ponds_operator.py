"""An operator for kopf, of everything that kopf can watch; `test_kopf.py` runs it beside the bundled cluster.

It tells what it did in the objects themselves, so that a test needs to look nowhere else. The certificate of its
webhooks, with its key, is the file that PONDS_CERTIFICATE names.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

import kopf

GROUP, VERSION, PLURAL = "pyhelm.example", "v1", "ponds"
PERIOD = 0.2


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    settings.posting.level = 20
    settings.watching.server_timeout = 10
    settings.persistence.finalizer = f"{GROUP}/finalizer"
    file = os.environ["PONDS_CERTIFICATE"]
    settings.admission.server = kopf.WebhookServer(
        addr="127.0.0.1", host="127.0.0.1", certfile=file, pkeyfile=file, cafile=file
    )
    settings.admission.managed = f"ponds.{GROUP}"


@kopf.index(PLURAL)
def fish(name: str, spec: kopf.Spec, **_: Any) -> dict[str, str]:
    return {str(spec.get("fish", "none")): name}


@kopf.on.create(PLURAL)
async def created(body: kopf.Body, name: str, namespace: str, patch: kopf.Patch, **_: Any) -> dict[str, str]:
    kopf.info(body, reason="Filled", message=f"{name} is filled")
    patch.metadata.labels["filled"] = "yes"
    return {"by": "kopf"}


@kopf.on.update(PLURAL, field="spec.depth")
async def deepened(old: Any, new: Any, patch: kopf.Patch, **_: Any) -> None:
    patch.status["deepened"] = f"{old} to {new}"


@kopf.on.delete(PLURAL)
async def drained(name: str, **_: Any) -> None:
    await asyncio.sleep(0)


@kopf.timer(PLURAL, interval=PERIOD, when=lambda spec, **_: spec.get("ripples"))
async def ripple(status: kopf.Status, patch: kopf.Patch, **_: Any) -> None:
    if status.get("ripples", 0) < 3:
        patch.status["ripples"] = status.get("ripples", 0) + 1


@kopf.daemon(PLURAL, cancellation_timeout=1, when=lambda spec, **_: spec.get("pump"))
async def pump(stopped: kopf.DaemonStopped, fish: kopf.Index, patch: kopf.Patch, **_: Any) -> None:
    patch.status["neighbours"] = sorted(name for names in fish.values() for name in names)
    await stopped.wait(PERIOD)


@kopf.on.mutate(PLURAL, id="stock")
def stock(spec: kopf.Spec, patch: kopf.Patch, **_: Any) -> None:
    if "fish" not in spec:
        patch.spec["fish"] = "carp"


@kopf.on.validate(PLURAL, id="depth")
def sound(spec: kopf.Spec, warnings: list[str], **_: Any) -> None:
    if spec.get("depth", 0) > 100:
        raise kopf.AdmissionError("a pond is not deeper than 100", code=422)
    if spec.get("depth", 0) > 50:
        warnings.append("that is a deep pond")
