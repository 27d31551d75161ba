"""What the routes of administration have in common: rows by number."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from calls.api.pagination import CallPagination
from calls.api.views.route import CallRoute
from calls.audit.record import record_change
from calls.models import AuditAction


class AdministrationRoute(CallRoute):
    """Lists rows, newest first, and finds one by its number."""

    filter_backends = []
    pagination_class = CallPagination
    noun = ""

    def page(self, rows: Any, serializer_class: Any) -> Response:
        found = self.paginate_queryset(rows)
        return self.get_paginated_response(serializer_class(found, many=True).data)

    def row(self, number: int) -> Any:
        found = self.get_queryset().filter(pk=number).first()
        if found is None:
            raise NotFound(f"There is no {self.noun} {number}.")
        return found


def delete_row(row: Any) -> None:
    """Delete a row and record that."""
    with transaction.atomic():
        record_change(AuditAction.REMOVE, row)
        row.delete()
