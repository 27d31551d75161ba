"""The routes of API keys: create, list, change, rotate and revoke them."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.db import transaction
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from calls.api.docs import keys as docs
from calls.api.errors import Conflict
from calls.api.serializers.keys import (
    KeySerializer,
    KeyTermsSerializer,
    RotationSerializer,
    StoredKeySerializer,
)
from calls.api.views.administration import AdministrationRoute
from calls.api.views.route import ADMIN, Reach, read_body
from calls.audit.record import record_change
from calls.keys import (
    KeyUnchangeable,
    change_key,
    create_key,
    revoke_key,
    ring,
    rotate_key,
)
from calls.models import ApiKey, AuditAction

DAY_S = 86_400


class KeyViewSet(AdministrationRoute):
    """Keys are revoked but never deleted, because the event log may name them."""

    queryset = ApiKey.objects.order_by("-id")
    serializer_class = StoredKeySerializer
    noun = "key"
    reach = Reach.SITE
    scopes: ClassVar = dict.fromkeys(
        ("list", "retrieve", "create", "partial_update", "rotate", "revoke"), ADMIN
    )
    permissions: ClassVar = {
        "list": "calls.view_apikey",
        "retrieve": "calls.view_apikey",
        "create": "calls.add_apikey",
        "partial_update": "calls.change_apikey",
        "rotate": "calls.change_apikey",
        "revoke": "calls.change_apikey",
    }

    @docs.key_list
    def list(self, request: Request) -> Response:
        return self.page(self.get_queryset(), StoredKeySerializer)

    @docs.key_detail
    def retrieve(self, request: Request, number: int) -> Response:
        return Response(StoredKeySerializer(self.row(number)).data)

    @docs.key_create
    def create(self, request: Request) -> Response:
        wanted = read_body(KeySerializer, request)
        with transaction.atomic():
            key, plain = create_key(**wanted)
            record_change(AuditAction.ADD, key)
        ring.forget()  # so that this process takes the key at once
        shown = {**StoredKeySerializer(key).data, "key": plain}
        return Response(shown, status=status.HTTP_201_CREATED)

    @docs.key_change
    def partial_update(self, request: Request, number: int) -> Response:
        key = self.row(number)
        changed = read_body(KeyTermsSerializer, request, partial=True)
        terms = {name: getattr(key, name) for name in ("name", "expires_at", "networks")}
        with transaction.atomic():
            change_key(key, **(terms | changed))
            record_change(AuditAction.CHANGE, key, changed)
        return Response(StoredKeySerializer(key).data)

    @docs.key_rotate
    def rotate(self, request: Request, number: int) -> Response:
        key, wanted = self.row(number), read_body(RotationSerializer, request)
        overlap = timedelta(seconds=wanted.get("overlap_s", DAY_S))
        try:
            with transaction.atomic():
                plain = rotate_key(
                    key,
                    overlap=overlap,
                    end_previous=wanted.get("end_previous", False),
                    keep_previous=wanted.get("keep_previous", False),
                )
                record_change(AuditAction.CHANGE, key, ["secret"])
        except KeyUnchangeable as error:
            raise Conflict({"detail": str(error)}) from error
        return Response({**StoredKeySerializer(self.row(number)).data, "key": plain})

    @docs.key_revoke
    def revoke(self, request: Request, number: int) -> Response:
        key = self.row(number)
        with transaction.atomic():
            if revoke_key(key):
                record_change(AuditAction.CHANGE, key, ["revoked_at"])
        return Response(StoredKeySerializer(self.row(number)).data)
