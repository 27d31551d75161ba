"""Who sent a request: the only place that reads proxy headers, and only from trusted proxies.

``TrustedProxies`` wraps the whole application. Behind it, the scope and ``REMOTE_ADDR`` hold the
client's own address, scheme and host, and no header can change them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from django.http import HttpRequest
from django.http.request import host_validation_re

from calls.asgi import App, Receive, Scope, Send

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
FORWARDED = b"x-forwarded-"
LOCAL_SOCKET = "unix"  # in TRUSTED_PROXIES: a proxy that connects to a Unix socket
MAX_HOPS = 32


def client_address(asked: HttpRequest | Mapping[str, Any]) -> str:
    """Return the address of the client of a request or an ASGI scope; "" if there is none."""
    if isinstance(asked, HttpRequest):
        return str(asked.META.get("REMOTE_ADDR") or "")
    return str((asked.get("client") or ("",))[0] or "")


def read_networks(items: Sequence[str]) -> tuple[list[Network], bool]:
    """Return the networks of TRUSTED_PROXIES, and whether it names Unix sockets."""
    networks: list[Network] = []
    for item in items:
        if item == LOCAL_SOCKET:
            continue
        try:
            networks.append(ip_network(item))
        except ValueError as error:
            raise ValueError(
                f"TRUSTED_PROXIES has {item!r}; it must list addresses and networks, such as "
                f"10.0.0.5 or 10.1.0.0/16: {error}."
            ) from error
    return networks, LOCAL_SOCKET in items


class TrustedProxies:
    """Takes client, scheme and host from X-Forwarded headers of trusted peers; drops the others."""

    def __init__(self, app: App, *, trusted: Sequence[str]) -> None:
        self.app = app
        self._networks, self._trusts_sockets = read_networks(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and _is_forwarded(scope):
            scope = self._read(scope)
        await self.app(scope, receive, send)

    def _read(self, scope: Scope) -> Scope:
        told = [(name, value) for name, value in scope["headers"] if name.startswith(FORWARDED)]
        own = [(name, value) for name, value in scope["headers"] if not name.startswith(FORWARDED)]
        read: Scope = {**scope, "headers": own}
        if not self._is_trusted_peer(scope):
            return read
        if client := self._client(_values(told, b"for")):
            read["client"] = (str(client), 0)
        if (scheme := _last(told, b"proto").lower()) in ("http", "https"):
            secure = scheme == "https"
            plain = ("ws", "wss") if scope["type"] == "websocket" else ("http", "https")
            read["scheme"] = plain[secure]
        host = _last(told, b"host").lower()
        if host and host_validation_re.match(host):
            read["headers"] = [(name, value) for name, value in own if name != b"host"]
            read["headers"].append((b"host", host.encode("latin-1")))
        return read

    def _is_trusted_peer(self, scope: Scope) -> bool:
        address = _address(client_address(scope))
        if address is None:
            return self._trusts_sockets
        return self._is_trusted(address)

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._networks)

    def _client(self, hops: Sequence[str]) -> Address | None:
        """Return the rightmost address that is not a trusted proxy. The rest may be forged."""
        found = None
        for hop in reversed(hops[-MAX_HOPS:]):
            address = _address(hop)
            if address is None:
                return found
            found = address
            if not self._is_trusted(address):
                return found
        return found


def _is_forwarded(scope: Scope) -> bool:
    # A loop, because it runs for each packet, and any() with a generator takes twice as long.
    for name, _ in scope["headers"]:  # noqa: SIM110
        if name.startswith(FORWARDED):
            return True
    return False


def _values(told: Sequence[tuple[bytes, bytes]], name: bytes) -> list[str]:
    """Return the values of all headers of one name, from left to right."""
    wanted = FORWARDED + name
    found = b",".join(value for each, value in told if each == wanted)
    return [value.strip() for value in found.decode("latin-1").split(",")] if found else []


def _last(told: Sequence[tuple[bytes, bytes]], name: bytes) -> str:
    return next(reversed(_values(told, name)), "")


def _address(text: str) -> Address | None:
    """Read an address, with or without brackets and a port."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
