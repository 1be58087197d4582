"""[sig-auth], as far as no pod must run: signing requests, service accounts, reviews of access."""

from __future__ import annotations

import base64
from typing import Any

from conformance_api import STRATEGIC, Api, Operations, condition, conforms, eventually, expect, pod
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Obj = dict[str, Any]
CERTIFICATES = "certificates.k8s.io/v1"


def _request() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "e2e.example.com")])
    built = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return base64.b64encode(built.public_bytes(serialization.Encoding.PEM)).decode()


@conforms("[sig-auth] Certificates API [Privileged:ClusterAdmin] should support CSR API operations")
def test_signing_request(api: Api) -> None:
    text = _request()

    def make() -> Obj:
        usages = ["digital signature", "key encipherment", "server auth"]
        return {"spec": {"request": text, "signerName": "example.com/e2e", "usages": usages, "expirationSeconds": 3600}}

    Operations(api, CERTIFICATES, "certificatesigningrequests", make).run()
    where = f"/apis/{CERTIFICATES}/certificatesigningrequests"
    path = f"{where}/{api.post(where, {'metadata': {'generateName': 'e2e-'}, **make()}, 201)['metadata']['name']}"
    patched = api.patch(f"{path}/approval", {"metadata": {"annotations": {"patchedapproval": "true"}}})
    assert patched["metadata"]["annotations"]["patchedapproval"] == "true"
    obj = api.get(f"{path}/approval")
    obj["status"]["conditions"] = [condition("Approved")]
    approved = api.put(f"{path}/approval", obj)
    assert [one["type"] for one in approved["status"]["conditions"]] == ["Approved"]
    more = [*approved["status"]["conditions"], condition("StatusUpdate")]
    seen = api.put(f"{path}/status", {**approved, "status": {"conditions": more}})
    assert {one["type"] for one in seen["status"]["conditions"]} == {"Approved", "StatusUpdate"}
    seen = api.patch(f"{path}/status", {"metadata": {"annotations": {"patchedstatus": "true"}}})
    assert seen["metadata"]["annotations"]["patchedstatus"] == "true"
    api.delete(path)
    api.gone(path)


def _mounts(api: Api, name: str, account: str, choice: bool | None) -> bool:
    more = {} if choice is None else {"automountServiceAccountToken": choice}
    made = api.post(api.core("pods"), pod(name, serviceAccountName=account, **more), 201)
    paths = [mount["mountPath"] for mount in made["spec"]["containers"][0].get("volumeMounts") or []]
    return "/var/run/secrets/kubernetes.io/serviceaccount" in paths


@conforms("[sig-auth] ServiceAccounts should allow opting out of API token automount")
def test_automount(api: Api) -> None:
    for account, choice in (("mount", True), ("nomount", False)):
        body = {"metadata": {"name": account}, "automountServiceAccountToken": choice}
        api.post(api.core("serviceaccounts"), body, 201)
    eventually(lambda: api.raw("GET", api.core("serviceaccounts", "default")), lambda r: r.status_code == 200)
    found = {
        (account, choice): _mounts(api, f"{account}-{str(choice).lower()}", account, choice)
        for account in ("default", "mount", "nomount")
        for choice in (None, True, False)
    }
    assert [account for account in ("default", "mount") if found[account, None]] == ["default", "mount"]
    assert not found["nomount", None]
    assert all(found[account, True] for account in ("default", "mount", "nomount"))
    assert not any(found[account, False] for account in ("default", "mount", "nomount"))


@conforms("[sig-auth] ServiceAccounts should create a serviceAccountToken and ensure a successful TokenReview")
def test_token_review(api: Api) -> None:
    api.post(api.core("serviceaccounts"), {"metadata": {"name": "e2e-sa"}}, 201)
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    token = api.post(f"{api.core('serviceaccounts', 'e2e-sa')}/token", asked, 201)["status"]["token"]
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    where = "/apis/authentication.k8s.io/v1/tokenreviews"
    status = api.post(where, review, 201)["status"]
    assert status["authenticated"] is True
    assert status["user"]["username"] == f"system:serviceaccount:{api.ns}:e2e-sa"
    assert not status.get("error")
    api.delete(api.core("serviceaccounts", "e2e-sa"))
    assert not api.post(where, review, 201)["status"].get("authenticated")


@conforms("[sig-auth] ServiceAccounts should guarantee kube-root-ca.crt exist in any namespace")
def test_root_ca(api: Api) -> None:
    path = api.core("configmaps", "kube-root-ca.crt")

    def there() -> Obj:
        response = api.raw("GET", path)
        return dict(response.json()) if response.is_success else {}

    first = eventually(there)
    assert first["data"]["ca.crt"].startswith("-----BEGIN CERTIFICATE-----")
    api.delete(path)
    again = eventually(there)
    assert again["metadata"]["uid"] != first["metadata"]["uid"]
    api.put(path, {**again, "data": {"ca.crt": ""}})
    eventually(there, lambda found: found.get("data") == first["data"])


@conforms("[sig-auth] ServiceAccounts should run through the lifecycle of a ServiceAccount")
def test_account_lifecycle(api: Api) -> None:
    where, label = api.core("serviceaccounts"), {"labelSelector": "test-serviceaccount-static=true"}
    with api.watch(where, **label) as events:
        body = {"metadata": {"name": "testserviceaccount", "labels": {"test-serviceaccount-static": "true"}}}
        api.post(where, body, 201)
        expect(events, "ADDED")
        api.patch(f"{where}/testserviceaccount", {"automountServiceAccountToken": False}, mime=STRATEGIC)
        assert expect(events, "MODIFIED")["automountServiceAccountToken"] is False
        found = api.items("/api/v1/serviceaccounts", **label)
        assert [one["metadata"]["name"] for one in found] == ["testserviceaccount"]
        api.delete(where, **label)
        expect(events, "DELETED")
    assert not api.items(where, **label)


@conforms("[sig-auth] ServiceAccounts should update a ServiceAccount")
def test_account_update(api: Api) -> None:
    body = {"metadata": {"name": "e2e-sa"}, "automountServiceAccountToken": False}
    api.post(api.core("serviceaccounts"), body, 201)

    def mount(account: Obj) -> None:
        account["automountServiceAccountToken"] = True

    api.change(api.core("serviceaccounts", "e2e-sa"), mount)
    assert api.get(api.core("serviceaccounts", "e2e-sa"))["automountServiceAccountToken"] is True


@conforms("[sig-auth] SubjectReview should support SubjectReview API operations")
def test_subject_review(api: Api) -> None:
    user = f"system:serviceaccount:{api.ns}:e2e"
    api.post(api.core("serviceaccounts"), {"metadata": {"name": "e2e"}}, 201)
    attributes = {"verb": "list", "resource": "configmaps", "version": "v1", "namespace": api.ns}
    spec = {"resourceAttributes": attributes, "user": user}
    rbac = "rbac.authorization.k8s.io"
    everywhere = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    local = api.group("authorization.k8s.io/v1", "localsubjectaccessreviews")
    bodies = ((everywhere, {"spec": spec}), (local, {"metadata": {"namespace": api.ns}, "spec": spec}))
    headers = {"Impersonate-User": user}

    def listed() -> bool:
        return bool(api.http.get(api.core("configmaps"), headers=headers).is_success)

    assert [api.post(path, body, 201)["status"]["allowed"] for path, body in bodies] == [False, False]
    assert not listed()
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]
    api.post(api.group(f"{rbac}/v1", "roles"), {"metadata": {"name": "r"}, "rules": rules}, 201)
    reference = {"apiGroup": rbac, "kind": "Role", "name": "r"}
    subject = {"kind": "ServiceAccount", "name": "e2e", "namespace": api.ns}
    binding = {"metadata": {"name": "b"}, "roleRef": reference, "subjects": [subject]}
    api.post(api.group(f"{rbac}/v1", "rolebindings"), binding, 201)
    eventually(listed)
    assert [api.post(path, body, 201)["status"]["allowed"] for path, body in bodies] == [True, True]
