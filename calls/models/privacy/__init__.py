"""What the law requires: the audit log, legal holds, and erasures.

audit    The audit log
erasure  Erasures, and the ledger of what was erased
hold     Legal holds
"""

from calls.models.privacy.audit import (
    LOOKS,
    AppendOnly,
    AuditAction,
    AuditCut,
    AuditEntry,
    AuditQuerySet,
)
from calls.models.privacy.erasure import Erasure, ErasureItem, ErasureQuerySet
from calls.models.privacy.hold import REASON_LENGTH, LegalHold, LegalHoldQuerySet

__all__ = [
    "LOOKS",
    "REASON_LENGTH",
    "AppendOnly",
    "AuditAction",
    "AuditCut",
    "AuditEntry",
    "AuditQuerySet",
    "Erasure",
    "ErasureItem",
    "ErasureQuerySet",
    "LegalHold",
    "LegalHoldQuerySet",
]
