"""Checks the addresses of webhooks: public ones only, unless the site allows others.

The connection goes to the address that was checked, so a name cannot point elsewhere a moment
later. Unusual spellings of addresses (2130706433, 0177.0.0.1) are resolved like names.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

import httpcore

Address = IPv4Address | IPv6Address

# IPv6 networks that hold an IPv4 address in their last 32 bits (RFC 6052, 4291, 2765).
WRAPPING = tuple(map(IPv6Network, ("64:ff9b::/96", "::/96", "::ffff:0:0:0/96")))
LOOK_UP_S = 3.0
LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")  # RFC 8215: a site's own translation


class AddressRefused(Exception):
    """A webhook must not be sent to this address."""


def check_url(url: str) -> None:
    """Raise ValueError unless messages can be posted to this URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError("The URL must start with https:// or http://.")
    if not parts.hostname:
        raise ValueError("The URL has no host.")
    if parts.username is not None or parts.password is not None:
        raise ValueError("The URL must not contain a user or password.")
    if parts.fragment or any(not 32 < ord(character) < 127 for character in url):
        raise ValueError("The URL must be plain ASCII without spaces and without a #.")
    try:
        usable = parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("The port of the URL must be a number from 1 to 65535.")


async def check_target(url: str, *, allowance: str) -> None:
    """Raise what a message to this URL would fail with before it is sent.

    ValueError for the URL itself, AddressRefused for where it leads, httpcore.ConnectError or
    TimeoutError if its host has no address, which may change.
    """
    check_url(url)
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    async with asyncio.timeout(LOOK_UP_S):
        await resolve_allowed(parts.hostname or "", port, allowance)


def is_allowed(address: str, allowance: str) -> bool:
    """Whether connections to this address are allowed. ``allowance``: none, loopback or all."""
    if allowance == "all":
        return True
    # Without the zone of a link-local IPv6 address, as in fe80::1%eth0.
    real = _innermost(ip_address(address.partition("%")[0]))
    if real.is_loopback:
        return allowance == "loopback"
    refused = (
        # Python counts multicast addresses as global, so the list names them.
        not real.is_global
        or real.is_multicast
        or real.is_reserved
        or real.is_link_local
        or real.is_unspecified
        or (isinstance(real, IPv6Address) and (real.is_site_local or real in LOCAL_NAT64))
    )
    return not refused


def _innermost(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address wraps, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    # ::1 and :: lie in ::/96, but wrap nothing.
    if address.is_loopback or address.is_unspecified:
        return address
    if any(address in network for network in WRAPPING):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


class CheckedBackend(httpcore.AnyIOBackend):
    """Opens connections to allowed addresses only. TLS still verifies the requested name."""

    def __init__(self, allowance: str) -> None:
        self._allowance = allowance

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's name)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await resolve_allowed(host, port, self._allowance)
        for address in addresses[:-1]:
            try:
                return await super().connect_tcp(address, port, timeout, local_address)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        # The last one outside of the loop, so that its error is the one that is reported.
        return await super().connect_tcp(addresses[-1], port, timeout, local_address)


async def resolve_allowed(host: str, port: int, allowance: str) -> list[str]:
    """Return the addresses of a name. Raises AddressRefused unless each of them is allowed."""
    addresses = await resolve(host, port)
    # All are checked before one is used: a name may have a private address among public ones.
    for address in addresses:
        if not is_allowed(address, allowance):
            where = "" if address == host else f" is at {address}, which"
            raise AddressRefused(f"{host}{where} is not a public address.")
    return addresses


async def resolve(host: str, port: int) -> list[str]:
    """Return all addresses of a name, without duplicates. Raises httpcore.ConnectError."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host} has no address.") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
