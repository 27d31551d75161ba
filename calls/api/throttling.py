"""Limits how often a key may be used: 429 with Retry-After."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from calls.keys import ApiClient
from calls.keys.limits import RATE_TAKEN, seconds, wait_for_packets, wait_for_request

if TYPE_CHECKING:
    from rest_framework.views import APIView


class TooMany(APIException):
    """429 with Retry-After: nothing was done, and the same request may be sent again."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS

    def __init__(self, detail: str, *, wait_s: float) -> None:
        super().__init__(detail)
        self.wait = seconds(wait_s)


class KeyThrottle(BaseThrottle):
    """Takes a token of the key for each request. People have no limit."""

    _wait_s = 0.0

    def allow_request(self, request: Request, view: APIView) -> bool:
        client: Any = request.user
        # The fast lane has counted what it then passes on.
        if not isinstance(client, ApiClient) or RATE_TAKEN in getattr(request, "scope", {}):
            return True
        sends_packets = getattr(view, "sends_packets", False)
        self._wait_s = wait_for_packets(client) if sends_packets else wait_for_request(client)
        return not self._wait_s

    def wait(self) -> float:
        return self._wait_s
