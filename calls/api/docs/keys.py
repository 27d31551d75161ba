"""Descriptions of the routes of API keys. No behaviour."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from calls.api.docs.answers import MALFORMED, READ_ERRORS, WRITE_ERRORS, _without, error
from calls.api.docs.rules import NUMBER
from calls.api.serializers.keys import (
    KeySerializer,
    KeyTermsSerializer,
    NewKeySerializer,
    RotationSerializer,
    StoredKeySerializer,
)

TAGS = ["administration"]
_STORED = {
    "number": 5,
    "name": "PBX Berlin",
    "prefix": "3e9c855d",
    "scopes": ["ingest"],
    "networks": ["10.0.0.0/8"],
    "expires_at": "2027-01-31T00:00:00Z",
    "previous_until": None,
    "rotated_at": None,
    "last_used_at": None,
    "last_used_from": "",
    "created_at": "2026-01-31T12:00:00Z",
    "revoked_at": None,
}
_ERRORS = _without(READ_ERRORS, 400)
_UNKNOWN = error("There is no such key.", {"detail": "There is no key 5."})
key_list = extend_schema(
    operation_id="list_keys",
    summary="API keys, newest first",
    description="`prefix` is what a key starts with, after `cc_`.",
    tags=TAGS,
    responses={200: StoredKeySerializer(many=True), **_without(READ_ERRORS, 404), 400: MALFORMED},
)
key_detail = extend_schema(
    operation_id="get_key",
    summary="One API key",
    tags=TAGS,
    parameters=[NUMBER],
    responses={200: StoredKeySerializer, **_ERRORS, 404: _UNKNOWN},
)
key_create = extend_schema(
    operation_id="create_key",
    summary="Create an API key",
    description=(
        "The answer has the `key`. Keep it: it is not stored and cannot be shown again. The scopes "
        "of a key cannot be changed; create another key and revoke the first."
    ),
    tags=TAGS,
    request=KeySerializer,
    examples=[
        OpenApiExample(
            "For a telephone system",
            value={
                "name": "PBX Berlin",
                "scopes": ["ingest"],
                "networks": ["10.0.0.0/8"],
            },
            request_only=True,
        )
    ],
    responses={
        201: OpenApiResponse(
            NewKeySerializer,
            examples=[
                OpenApiExample("Created", value={**_STORED, "key": "cc_3e9c855d_Hitr38Bu9t..."})
            ],
        ),
        **WRITE_ERRORS,
    },
)
key_rotate = extend_schema(
    operation_id="rotate_key",
    summary="Give an API key a new secret",
    description=(
        "The old secret stays valid for the overlap. Name, scopes and networks stay. 409 if the "
        "key is revoked or expired, or if a secret from before the last rotation is still valid."
    ),
    tags=TAGS,
    parameters=[NUMBER],
    request=RotationSerializer,
    examples=[OpenApiExample("An hour", value={"overlap_s": 3600}, request_only=True)],
    responses={
        200: NewKeySerializer,
        **WRITE_ERRORS,
        404: _UNKNOWN,
        409: error(
            "The key cannot be rotated.",
            {"detail": "This key is revoked. Create another one."},
        ),
    },
)
key_change = extend_schema(
    operation_id="change_key",
    summary="Change the name, expiry or networks of an API key",
    description="Send only the fields to change.",
    tags=TAGS,
    parameters=[NUMBER],
    request=KeyTermsSerializer,
    examples=[OpenApiExample("A name", value={"name": "PBX Hamburg"}, request_only=True)],
    responses={200: StoredKeySerializer, **WRITE_ERRORS, 404: _UNKNOWN},
)
key_revoke = extend_schema(
    operation_id="revoke_key",
    summary="Revoke an API key for good",
    description=(
        "Every process refuses it within `API_KEY_REFRESH` seconds. A repeated request changes "
        "nothing."
    ),
    tags=TAGS,
    parameters=[NUMBER],
    request=None,
    responses={200: StoredKeySerializer, **_ERRORS, 404: _UNKNOWN},
)
