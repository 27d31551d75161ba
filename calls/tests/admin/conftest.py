"""Fixtures of the admin tests. Hosts of webhooks are resolved without a name server."""

from __future__ import annotations

import httpcore
import pytest

from calls.webhooks import addresses

PUBLIC = "93.184.215.14"
KNOWN = {"crm.example.com": [PUBLIC], "inside.example.com": [PUBLIC, "10.1.2.3"]}


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = addresses.resolve

    async def known(host: str, port: int) -> list[str]:
        if host in KNOWN:
            return KNOWN[host]
        if host.endswith(".example"):
            raise httpcore.ConnectError(f"{host} has no address.")
        return await resolve(host, port)

    monkeypatch.setattr(addresses, "resolve", known)
