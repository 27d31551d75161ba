"""Keeps NUL out of the addresses of pages, because PostgreSQL can neither store nor compare it.

The API checks its parameters itself, and refuses one with a NUL by its name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import Http404, HttpRequest
from django.utils.decorators import sync_and_async_middleware

from calls.api.errors import is_api

ENCODED = "%00"


@sync_and_async_middleware
def without_nul(get_response: Callable[[HttpRequest], Any]) -> Callable[..., Any]:
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> Any:
            _clean(request)
            return await get_response(request)

        return answer_async

    def answer(request: HttpRequest) -> Any:
        _clean(request)
        return get_response(request)

    return answer


def _clean(request: HttpRequest) -> None:
    """Drop NUL from the parameters of a page. There is no page whose address has one."""
    query = request.META.get("QUERY_STRING", "")
    if ENCODED in query and not is_api(request):
        request.META["QUERY_STRING"] = query.replace(ENCODED, "")
    if "\0" in request.path_info and not is_api(request):
        raise Http404("No page has such an address.")
