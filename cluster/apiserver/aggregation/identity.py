"""What this server tells of the user to a server behind it, and the TLS it speaks with it.

The other server believes the headers because of this server's certificate; this server knows the other by the bundle
of its APIService.
"""

from __future__ import annotations

import ssl
from urllib.parse import quote

from cluster.apiserver.aggregation.registrations import Registration
from cluster.apiserver.http.messages import Headers
from cluster.apiserver.request import UserInfo
from cluster.client.endpoint import KeyPair, trusting, unchecked

_TOKEN = "!#$&'*+-.^_`|~"
"""What a header's name may hold beside letters and digits; the rest of an extra's key is escaped."""
_MOST = 64


def told_of(user: UserInfo) -> Headers:
    """The headers that say who asks. Names are sent as UTF-8, which headers elsewhere here are not."""
    headers = [("x-remote-user", user.name)]
    if user.uid:
        headers.append(("x-remote-uid", user.uid))
    headers += [("x-remote-group", group) for group in user.groups]
    for key, values in user.extra:
        headers += [(f"x-remote-extra-{quote(key, safe=_TOKEN)}", value) for value in values]
    return [(name, value.encode().decode("latin-1")) for name, value in headers]


class Trusted:
    """TLS settings by bundle, made once. Raises BadBundle, OSError (our own certificate cannot be read)."""

    def __init__(self, own: KeyPair | None) -> None:
        self._own = own
        self._made: dict[tuple[str, bool], ssl.SSLContext] = {}

    def of(self, registration: Registration) -> ssl.SSLContext:
        key = (registration.bundle, registration.insecure)
        found = self._made.get(key)
        if found is None:
            found = unchecked() if registration.insecure else trusting(registration.bundle)
            if self._own is not None:
                found.load_cert_chain(self._own.certificate, self._own.key)
            if len(self._made) >= _MOST:
                del self._made[next(iter(self._made))]
            self._made[key] = found
        return found
