"""Cluster addresses and node ports of Services: given on create, kept on update, taken back on delete.

The allocator's truth is the Services themselves: it is loaded from them at start and told of every change. A write
that fails gives back what it took (`prepare` returns the undo).
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Callable, Iterable

from cluster.apiserver.allocators.node_ports import NodePorts, PortsOfOneWrite, give_ports, ports_of
from cluster.kinds.checks import Faults
from cluster.kinds.core.service_checks import address_faults
from cluster.meta import errors
from cluster.meta.errors import Cause
from cluster.meta.field import Path, invalid, show
from cluster.meta.types import Obj

_POLICY = Path("spec") / "ipFamilyPolicy"


class ServiceAllocator:
    """`cidr` of cluster addresses, `ports` the first and last node port."""

    def __init__(self, cidr: str, ports: tuple[int, int]) -> None:
        self.network = ipaddress.ip_network(cidr)
        self._ports = NodePorts(ports)
        self._addresses: dict[str, str] = {}
        self._family = f"IPv{self.network.version}"
        self._random = random.Random()

    def load(self, services: Iterable[Obj]) -> None:
        """Learn what is taken."""
        for service in services:
            for address in addresses_of(service):
                self._addresses[address] = name_of(service)
            self._ports.load(service)

    def prepare(self, new: Obj, old: Obj | None, dry_run: bool) -> Callable[[], None] | None:
        """Give `new` what it lacks, in place. Raises 422. The result undoes it; a dry run undoes it at once."""
        took: list[Callable[[], None]] = []
        _families(new, old, self._family)
        try:
            self._give_address(new, old, took, dry_run)
            write = PortsOfOneWrite(self._ports, dry_run)
            took.append(write.undo)
            give_ports(new, old, write)
        except BaseException:
            _undo(took)
            raise
        if dry_run:
            _undo(took)
            return None
        if old is not None:
            self._take_back(old, new)
        return lambda: _undo(took)

    def removed(self, service: Obj) -> None:
        """A Service has gone."""
        for address in addresses_of(service):
            self._addresses.pop(address, None)
        self._ports.release(ports_of(service))

    def hold(self, kind: str, what: str, *, owner: str) -> None:
        """Somebody else has it: `serviceips` and an address, or `servicenodeports` and a port."""
        if kind == "serviceips":
            self._addresses.setdefault(what, owner)
        else:
            self._ports.held.add(int(what))

    def free(self, kind: str, what: str) -> None:
        """The opposite of `hold`."""
        if kind == "serviceips":
            self._addresses.pop(what, None)
        else:
            self._ports.release([int(what)])

    def first(self) -> str:
        """The address of the `kubernetes` Service."""
        return str(self.network[1])

    # Addresses.

    def _give_address(self, new: Obj, old: Obj | None, took: list[Callable[[], None]], dry_run: bool) -> None:
        spec = new["spec"]
        if spec.get("type") == "ExternalName" or spec.get("clusterIP") == "None":
            return
        had = set(addresses_of(old)) if old is not None else set()
        wanted = spec.get("clusterIPs") or ([spec["clusterIP"]] if spec.get("clusterIP") else [])
        if not wanted and dry_run:
            # No address is looked for: the answer names that of the range itself, which no Service can have.
            spec["clusterIP"], spec["clusterIPs"] = str(self.network[0]), [str(self.network[0])]
            return
        if not wanted:
            wanted = [self._free_address()]
        for address in wanted:
            if address not in had:
                self._claim(address, new, wanted, took)
        spec["clusterIP"], spec["clusterIPs"] = wanted[0], list(wanted)

    def _claim(self, address: str, service: Obj, wanted: list[str], took: list[Callable[[], None]]) -> None:
        why = self._unusable(address)
        if why:
            text = f"Invalid value: {show(wanted)}: failed to allocate IP {address}: {why}"
            raise _invalid(service, Cause("FieldValueInvalid", text, "spec.clusterIPs"))
        self._addresses[address] = name_of(service)
        took.append(lambda: self._drop_address(address))

    def _unusable(self, address: str) -> str:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return "the provided IP is not valid"
        if parsed not in self.network or parsed in (self.network[0], self.network[-1]):
            return "the provided network does not match the current range"
        return "provided IP is already allocated" if address in self._addresses else ""

    def _free_address(self) -> str:
        size = self.network.num_addresses
        # The lower part of the range is left for addresses chosen by hand, as Kubernetes does.
        band = min(max(size // 16, 16), 256) if size > 32 else 1
        for _ in range(64):
            address = str(self.network[self._random.randrange(band, size - 1)])
            if address not in self._addresses:
                return address
        for at in range(1, size - 1):
            if (address := str(self.network[at])) not in self._addresses:
                return address
        raise errors.internal("failed to allocate a serviceIP: range is full")

    def _drop_address(self, address: str) -> None:
        self._addresses.pop(address, None)

    def _take_back(self, old: Obj, new: Obj) -> None:
        for address in set(addresses_of(old)) - set(addresses_of(new)):
            self._addresses.pop(address, None)
        self._ports.release(set(ports_of(old)) - set(ports_of(new)))


def _families(service: Obj, old: Obj | None, family: str) -> None:
    """The address families of a cluster that has one, and what they ask of the addresses. Raises 422."""
    spec, was = service["spec"], (old or {}).get("spec") or {}
    if spec.get("type") == "ExternalName":
        return
    if not spec.get("ipFamilyPolicy"):
        new = "RequireDualStack" if _selectorless(spec) else "SingleStack"
        spec["ipFamilyPolicy"] = was.get("ipFamilyPolicy") or new
    # Addresses that make no sense are refused alone: whatever else is wrong is not looked at yet.
    _refuse(service, address_faults(spec, was))
    _refuse(service, _reduced(spec, was) + _too_many(spec) + _inferred(spec, family))
    if not spec.get("ipFamilies"):
        spec["ipFamilies"] = [family]
    if _selectorless(spec):
        # Nobody but its owner knows where such a Service leads: it may have any family.
        if len(spec["ipFamilies"]) < 2 and spec["ipFamilyPolicy"] != "SingleStack":
            spec["ipFamilies"] = [*spec["ipFamilies"], "IPv6" if spec["ipFamilies"][0] == "IPv4" else "IPv4"]
        return
    _refuse(service, _not_here(spec, family))


def _reduced(spec: Obj, was: Obj) -> Faults:
    """One stack alone lets the second address and family go; with another policy they cannot be left out."""
    single = spec["ipFamilyPolicy"] == "SingleStack"
    faults: Faults = []
    for name, what in (("clusterIPs", "cluster IP"), ("ipFamilies", "IP family")):
        before, now = was.get(name) or [], spec.get(name) or []
        if single and before == now:
            spec[name] = now[:1]
        elif not single and len(before) == 2 and len(now) == 1 and before[0] == now[0]:
            why = f"must be 'SingleStack' to release the secondary {what}"
            faults.append(invalid(_POLICY, spec["ipFamilyPolicy"], why))
        if not spec.get(name):
            spec.pop(name, None)
    return faults


def _too_many(spec: Obj) -> Faults:
    if spec["ipFamilyPolicy"] != "SingleStack":
        return []
    why = "must be 'RequireDualStack' or 'PreferDualStack' when multiple %s are specified"
    return [
        invalid(_POLICY, "SingleStack", why % what)
        for name, what in (("clusterIPs", "cluster IPs"), ("ipFamilies", "IP families"))
        if len(spec.get(name) or ()) == 2
    ]


def _inferred(spec: Obj, family: str) -> Faults:
    """Families follow from the addresses where they are not named."""
    addresses, named = spec.get("clusterIPs") or [], list(spec.get("ipFamilies") or [])
    faults: Faults = []
    for at, address in enumerate(addresses):
        if address == "None":
            break
        found = "IPv6" if ":" in address else "IPv4"
        if at < len(named):
            continue
        if found != family:
            where = (Path("spec") / "clusterIPs")[at]
            faults.append(invalid(where, addresses, f"{found} is not configured on this cluster"))
        else:
            named.append(found)
    if named:
        spec["ipFamilies"] = named
    return faults


def _not_here(spec: Obj, family: str) -> Faults:
    faults: Faults = []
    if spec["ipFamilyPolicy"] == "RequireDualStack":
        faults.append(invalid(_POLICY, "RequireDualStack", "this cluster is not configured for dual-stack services"))
    for at, asked in enumerate(spec["ipFamilies"]):
        if asked != family:
            faults.append(invalid((Path("spec") / "ipFamilies")[at], asked, "not configured on this cluster"))
    return faults


def _refuse(service: Obj, faults: Faults) -> None:
    if faults:
        name = service["metadata"].get("name", "")
        raise errors.invalid(("", "Service"), name, [fault.cause() for fault in faults])


def _selectorless(spec: Obj) -> bool:
    return spec.get("clusterIP") == "None" and not spec.get("selector")


def _undo(took: list[Callable[[], None]]) -> None:
    while took:
        took.pop()()


def name_of(service: Obj) -> str:
    meta = service["metadata"]
    return f"{meta.get('namespace', '')}/{meta.get('name', '')}"


def addresses_of(service: Obj) -> list[str]:
    spec = service.get("spec") or {}
    found = spec.get("clusterIPs") or ([spec["clusterIP"]] if spec.get("clusterIP") else [])
    return [a for a in found if a != "None"]


def _invalid(service: Obj, cause: Cause) -> errors.StatusError:
    return errors.invalid(("", "Service"), service["metadata"].get("name", ""), [cause])
