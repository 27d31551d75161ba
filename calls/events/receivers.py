"""The entries of the event log about webhook endpoints and notification targets.

Nothing is sent to them until a person enables them again. The entries have no call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class WebhookDisabled:
    type: ClassVar[str] = "webhook_disabled"
    endpoint: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class NotificationTargetDisabled:
    type: ClassVar[str] = "notification_target_disabled"
    target: str
    reason: str
