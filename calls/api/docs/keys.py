"""Descriptions of the routes of API keys. No behaviour."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample, OpenApiResponse

from calls.api.docs.answers import error
from calls.api.docs.rows import Rows
from calls.api.serializers.keys import (
    KeySerializer,
    KeyTermsSerializer,
    NewKeySerializer,
    RotationSerializer,
    StoredKeySerializer,
)

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
_KEYS = Rows("administration", error("There is no such key.", {"detail": "There is no key 5."}))
key_list = _KEYS.all(
    "list_keys",
    "API keys, newest first",
    StoredKeySerializer,
    description="`prefix` is what a key starts with, after `cc_`.",
)
key_detail = _KEYS.one("get_key", "One API key", StoredKeySerializer)
key_create = _KEYS.new(
    "create_key",
    "Create an API key",
    OpenApiResponse(
        NewKeySerializer,
        examples=[OpenApiExample("Created", value={**_STORED, "key": "cc_3e9c855d_Hitr38Bu9t..."})],
    ),
    description=(
        "The response has the `key`. Keep it: it is not stored and cannot be shown again. The "
        "scopes of a key cannot be changed; create another key and revoke the first."
    ),
    request=KeySerializer,
    examples=[
        OpenApiExample(
            "For a phone system",
            value={
                "name": "PBX Berlin",
                "scopes": ["ingest"],
                "networks": ["10.0.0.0/8"],
            },
            request_only=True,
        )
    ],
)
key_rotate = _KEYS.one(
    "rotate_key",
    "Give an API key a new secret",
    NewKeySerializer,
    also={
        409: error(
            "The key cannot be rotated.",
            {"detail": "This key is revoked. Create another one."},
        )
    },
    description=(
        "The old secret stays valid for the overlap. Name, scopes and networks stay. 409 if the "
        "key is revoked or expired, or if a secret from before the last rotation is still valid."
    ),
    request=RotationSerializer,
    examples=[OpenApiExample("An hour", value={"overlap_s": 3600}, request_only=True)],
)
key_change = _KEYS.one(
    "change_key",
    "Change the name, expiry or networks of an API key",
    StoredKeySerializer,
    description="Send only the fields to change.",
    request=KeyTermsSerializer,
    examples=[OpenApiExample("A name", value={"name": "PBX Hamburg"}, request_only=True)],
)
key_revoke = _KEYS.one(
    "revoke_key",
    "Revoke an API key for good",
    StoredKeySerializer,
    description=(
        "Every process refuses it within `API_KEY_REFRESH` seconds. A repeated request changes "
        "nothing."
    ),
)
