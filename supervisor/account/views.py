"""The page of a person's own settings."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from calls.models import Preferences
from supervisor.access import for_people
from supervisor.account.forms import PreferencesForm


@require_http_methods(["GET", "HEAD", "POST"])
@for_people
def settings(request: HttpRequest) -> HttpResponse:
    person: Any = request.user.pk
    own = Preferences.objects.filter(pk=person).first() or Preferences(user_id=person)
    form = PreferencesForm(request.POST or None, instance=own)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Settings saved.")
        return redirect("supervisor:settings")
    status = 400 if form.errors else 200
    context = {"form": form, "site_zone": timezone.get_default_timezone_name()}
    return render(request, "supervisor/account/settings.html", context, status=status)
