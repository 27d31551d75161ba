"""Remembers the request while it is answered, so that entries of the audit log name its sender."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware

from calls.audit.actors import acting_as


@sync_and_async_middleware
def audit_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[..., Any]:
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> Any:
            with acting_as(request):
                return await get_response(request)

        return answer_async

    def answer(request: HttpRequest) -> Any:
        with acting_as(request):
            return get_response(request)

    return answer
