"""What the law requires, in the admin.

audit  The audit log, with its exports.
holds  Legal holds, on calls and on customers.
erasures  Erasures with a preview, and the ledger of them.
"""

from calls.admin.privacy import audit, erasures, holds

__all__ = ["audit", "erasures", "holds"]
