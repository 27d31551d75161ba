"""The networks from which a key may be used: reads them, and finds an address in them."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

MOST_NETWORKS = 100
MAPPED = IPv6Network("::ffff:0:0/96")  # IPv4 addresses as a socket for both versions sees them
EXAMPLES = "such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32"


def read_network(text: str) -> str:
    """Return an address or a network in its usual form. Raises ValueError with the reason."""
    text = text.strip()
    try:
        # A zone, as in fe80::1%eth0, is a name of one machine.
        network = ip_network(text.replace("%", " "), strict=False)
    except ValueError as error:
        raise ValueError(f"{text!r} is not an address or network, {EXAMPLES}.") from error
    if "/" in text and str(network.network_address) != _address_in(text):
        raise ValueError(f"{text} is an address inside a network. Did you mean {network}?")
    if isinstance(network, IPv6Network) and network.subnet_of(MAPPED):
        network = _unmapped(network)
    is_one = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if is_one else str(network)


def read_networks(texts: list[str]) -> list[str]:
    """Read several, each once and in the given order. Raises ValueError."""
    found = list(dict.fromkeys(read_network(text) for text in texts if text.strip()))
    if len(found) > MOST_NETWORKS:
        raise ValueError(f"There are {len(found)} networks; the limit is {MOST_NETWORKS}.")
    return found


@lru_cache(maxsize=4096)
def is_within(address: str, networks: tuple[str, ...]) -> bool:
    """Whether one of the networks contains the address. An unknown address is in none."""
    try:
        found: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in ip_network(network) for network in networks)


def _address_in(text: str) -> str:
    return str(ip_address(text.partition("/")[0]))


def _unmapped(network: IPv6Network) -> IPv4Network:
    address = network.network_address.ipv4_mapped
    return IPv4Network(f"{address}/{network.prefixlen - MAPPED.prefixlen}")
