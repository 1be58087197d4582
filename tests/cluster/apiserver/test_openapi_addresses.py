"""Addresses of OpenAPI documents: named by their content, kept for ever, and leading on when they are old."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from apiserver_wire import Wire


async def address(wire: Wire) -> str:
    index = (await wire.call("GET", "/openapi/v3")).json()
    found: str = index["paths"]["apis/apps/v1"]["serverRelativeURL"]
    return found


async def test_a_document_at_the_address_of_its_content_may_be_kept_for_a_year(wire: Wire) -> None:
    reply = await wire.call("GET", await address(wire), accept="application/json")
    assert reply.status == 200
    assert reply.headers["cache-control"] == "public, immutable"
    assert "Accept" in reply.headers["vary"]
    assert reply.headers["expires"].endswith(" UTC")
    kept = parsedate_to_datetime(reply.headers["expires"]) - parsedate_to_datetime(reply.headers["date"])
    assert 364 < kept.days + kept.seconds / 86400 < 366
    same = await wire.call("GET", "/openapi/v3/apis/apps/v1", if_none_match=reply.headers["etag"])
    assert (same.status, same.body) == (304, b"")


async def test_an_address_with_an_old_hash_leads_to_the_new_one(wire: Wire) -> None:
    reply = await wire.call("GET", "/openapi/v3/apis/apps/v1?hash=OLD")
    assert (reply.status, reply.headers["location"]) == (301, await address(wire))


async def test_a_document_without_a_hash_in_its_address_is_asked_for_again(wire: Wire) -> None:
    reply = await wire.call("GET", "/openapi/v3/apis/apps/v1")
    assert (reply.status, "expires" in reply.headers) == (200, False)


async def test_a_form_that_is_not_served_is_refused(wire: Wire) -> None:
    wanted = "application/com.github.proto-openapi.spec.v3@v1.0+protobuf"
    assert (await wire.call("GET", await address(wire), accept=wanted)).status == 406
    assert (await wire.call("GET", await address(wire), accept=f"{wanted}, application/json;q=0.5")).status == 200


async def test_what_operations_share_stands_once_and_is_found(wire: Wire) -> None:
    document = (await wire.call("GET", await address(wire))).json()
    place = document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments"]
    said: list[str] = [entry["$ref"] for entry in (*place["get"]["parameters"], *place["parameters"])]
    said += [place["get"]["responses"]["200"]["$ref"], place["post"]["requestBody"]["$ref"]]
    found = [document["components"][ref.split("/")[2]][ref.split("/")[3]] for ref in said]
    assert {"limit", "labelSelector", "namespace"} <= {entry.get("name") for entry in found}
    assert [p["name"] for p in place["post"]["parameters"]] == ["dryRun", "fieldManager", "fieldValidation"]
