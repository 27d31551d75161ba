"""Legal holds."""

from __future__ import annotations

from rest_framework import serializers

from calls.api.serializers.fields import StrictStringField
from calls.models import REASON_LENGTH, LegalHold


class NewHoldSerializer(serializers.Serializer[LegalHold]):
    reason = StrictStringField(
        help_text=f"Why the call must be kept: 1 to {REASON_LENGTH} characters."
    )


class HoldSerializer(serializers.ModelSerializer[LegalHold]):
    of = serializers.SerializerMethodField(
        help_text="`call`: this call is held. `customer`: all calls of its customer are."
    )

    class Meta:
        model = LegalHold
        fields = ["of", "reason", "set_at", "set_by"]

    def get_of(self, hold: LegalHold) -> str:
        return "call" if hold.call_id else "customer"
