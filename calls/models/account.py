"""Where people are logged in, and the accounts that they have at a sign-on service."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import models
from django.utils import timezone

USER_AGENT_LENGTH = 300


class LoginSessionQuerySet(models.QuerySet["LoginSession"]):
    def of(self, user: Any) -> Self:
        """The logins of this person that have not expired."""
        return self.filter(user=user, session__expire_date__gt=timezone.now())


class LoginSession(models.Model):
    """Details of a session of Django's, which grants the access. Both are deleted together."""

    session = models.OneToOneField(Session, on_delete=models.CASCADE, related_name="login")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="logins"
    )
    address = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=USER_AGENT_LENGTH, blank=True, default="")
    logged_in_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)

    objects = LoginSessionQuerySet.as_manager()

    class Meta:
        ordering = ["-last_seen_at", "-id"]

    def __str__(self) -> str:
        return f"login of {self.user} at {self.logged_in_at:%Y-%m-%d %H:%M}"


class SignOnIdentity(models.Model):
    """Whose account this is at a sign-on service. Without it, only the username would say so."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_on"
    )
    provider = models.CharField(max_length=300, help_text="The issuer, or ldap.")
    subject = models.CharField(
        max_length=300, help_text="This person's id there, which never changes."
    )
    linked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "sign-on identity"
        verbose_name_plural = "sign-on identities"
        ordering = ["user__username"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "subject"], name="one_account_for_each_identity"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.provider}"
