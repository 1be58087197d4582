"""An operator run by kopf: handlers, events, timers, daemons, indices and webhooks, against the bundled cluster."""

from __future__ import annotations

import datetime
import gc
import ipaddress
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from land import ROOT, Land
from ponds_operator import GROUP, PLURAL, VERSION

kubernetes = pytest.importorskip("kubernetes")
pytest.importorskip("kopf")
pytestmark = pytest.mark.filterwarnings("ignore")
NAMESPACE = "ponds"
OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"{PLURAL}.{GROUP}"},
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"plural": PLURAL, "singular": "pond", "kind": "Pond"},
        "versions": [
            {
                "name": VERSION,
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": OPEN, "status": OPEN}}},
            }
        ],
    },
}


def certificate(file: Path) -> None:
    """A certificate for 127.0.0.1 that signs itself, and its key, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ponds")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now)
    made = made.not_valid_after(now + datetime.timedelta(days=1))
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = made.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + plain)


class Ponds:
    """What a test asks of the cluster."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.objects = kubernetes.client.CustomObjectsApi(client)
        self.core = kubernetes.client.CoreV1Api(client)

    def create(self, name: str, **spec: Any) -> tuple[dict[str, Any], str]:
        """The object and the warnings that came with it."""
        body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Pond", "metadata": {"name": name}, "spec": spec}
        made, _, headers = self.objects.create_namespaced_custom_object_with_http_info(
            GROUP, VERSION, NAMESPACE, PLURAL, body
        )
        return made, headers.get("Warning", "")

    def get(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self.objects.get_namespaced_custom_object(GROUP, VERSION, NAMESPACE, PLURAL, name)
        except kubernetes.client.ApiException as error:
            assert error.status == 404
            return None
        return found

    def patch(self, name: str, **spec: Any) -> None:
        self.objects.patch_namespaced_custom_object(GROUP, VERSION, NAMESPACE, PLURAL, name, {"spec": spec})

    def delete(self, name: str) -> None:
        self.objects.delete_namespaced_custom_object(GROUP, VERSION, NAMESPACE, PLURAL, name)

    def status(self, name: str, key: str, wanted: Any) -> None:
        """Wait until the operator has said so in the object's status."""
        eventually(lambda: (self.get(name) or {}).get("status", {}).get(key), lambda seen: bool(seen == wanted))


def eventually(look: Callable[[], Any], good: Callable[[Any], bool], seconds: float = 40.0) -> Any:
    until = time.monotonic() + seconds
    while not good(seen := look()):
        assert time.monotonic() < until, f"never came about; last seen: {seen}"
        time.sleep(0.05)
    return seen


@pytest.fixture(scope="module")
def ponds(cluster: Land, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ponds]:
    """The definition, a namespace, and the operator running with its webhooks in place."""
    client = kubernetes.config.new_client_from_config(str(cluster.kubeconfig))
    land = Ponds(client)
    definitions = kubernetes.client.ApiextensionsV1Api(client)
    definitions.create_custom_resource_definition(DEFINITION)
    land.core.create_namespace({"metadata": {"name": NAMESPACE}})
    folder = tmp_path_factory.mktemp("ponds")
    certificate(folder / "tls.pem")
    operator = ROOT / "tests" / "e2e" / "ponds_operator.py"
    environ = {**cluster.env(), "PONDS_CERTIFICATE": str(folder / "tls.pem"), "PYTHONPATH": os.pathsep.join(sys.path)}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "kopf", "run", "--standalone", "--namespace", NAMESPACE, "--verbose", str(operator)],
            env=environ,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _webhooks_in_place(client, process, folder / "log")
        yield land
    finally:
        process.terminate()
        process.wait(20)
        hooks = kubernetes.client.AdmissionregistrationV1Api(client)
        hooks.delete_collection_validating_webhook_configuration()
        hooks.delete_collection_mutating_webhook_configuration()
        land.core.delete_namespace(NAMESPACE)
        definitions.delete_custom_resource_definition(f"{PLURAL}.{GROUP}")
        client.close()
        gc.collect()


def _webhooks_in_place(client: Any, process: subprocess.Popen[bytes], log: Path) -> None:
    hooks = kubernetes.client.AdmissionregistrationV1Api(client)

    def count() -> int:
        assert process.poll() is None, log.read_text()
        found = hooks.list_validating_webhook_configuration().items + hooks.list_mutating_webhook_configuration().items
        return sum(bool(configuration.webhooks) for configuration in found)

    eventually(count, lambda seen: seen == 2)


def test_a_handler_of_creation_leaves_its_result_a_label_a_finalizer_and_an_event(ponds: Ponds) -> None:
    ponds.create("small", depth=1)
    ponds.status("small", "created", {"by": "kopf"})
    meta = (ponds.get("small") or {})["metadata"]
    assert (meta["labels"]["filled"], meta["finalizers"]) == ("yes", [f"{GROUP}/finalizer"])
    events = ponds.core.list_namespaced_event
    seen = eventually(lambda: events(NAMESPACE, field_selector="involvedObject.name=small").items, bool)
    assert ("Filled", "small is filled") in {(event.reason, event.message) for event in seen}


def test_a_handler_of_a_field_sees_the_old_and_the_new_value(ponds: Ponds) -> None:
    ponds.create("deep", depth=1)
    ponds.status("deep", "created", {"by": "kopf"})
    ponds.patch("deep", depth=2)
    ponds.status("deep", "deepened", "1 to 2")


def test_a_timer_ticks_on(ponds: Ponds) -> None:
    ponds.create("windy", ripples=True)
    ponds.status("windy", "ripples", 3)


def test_a_daemon_sees_what_is_indexed(ponds: Ponds) -> None:
    ponds.create("pumped", pump=True)
    eventually(
        lambda: (ponds.get("pumped") or {}).get("status", {}).get("neighbours", []), lambda seen: "pumped" in seen
    )


def test_a_mutating_webhook_fills_in_and_a_validating_one_warns(ponds: Ponds) -> None:
    made, warning = ponds.create("warned", depth=51)
    assert made["spec"] == {"depth": 51, "fish": "carp"}
    assert warning == '299 - "that is a deep pond"'


def test_a_validating_webhook_refuses_with_its_own_code(ponds: Ponds) -> None:
    with pytest.raises(kubernetes.client.ApiException) as refused:
        ponds.create("abyss", depth=101)
    assert refused.value.status == 422
    assert "denied the request: a pond is not deeper than 100" in refused.value.body


def test_a_handler_of_deletion_runs_before_the_object_goes(ponds: Ponds) -> None:
    ponds.create("brief")
    ponds.status("brief", "created", {"by": "kopf"})
    ponds.delete("brief")
    eventually(lambda: ponds.get("brief"), lambda seen: seen is None)
