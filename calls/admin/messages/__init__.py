"""Messages to people and programs, in the admin.

notifications  Who gets alerts, with a test, and the deliveries.
receivers      What the pages of webhooks and of notification targets have in common.
webhooks       Webhook endpoints and deliveries.
"""

from calls.admin.messages import notifications, webhooks

__all__ = ["notifications", "webhooks"]
