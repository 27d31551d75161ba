"""The admin site: navigation by task, and the login of the other pages."""

from __future__ import annotations

from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache

from calls.dashboard.doctor import doctor_context, may_check
from calls.dashboard.groups import regroup
from calls.dashboard.health import health_context
from calls.visibility import looking_as


class DashboardSite(admin.AdminSite):
    site_header = site_title = "callcenter"
    index_title = "Administration"
    empty_value_display = "\N{EN DASH}"

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Show the calls of the person's teams only, as the other pages do."""
        checked = super().admin_view(view, cacheable)

        @wraps(checked)
        def seen(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            with looking_as(request.user):
                answer = checked(request, *args, **kwargs)
                # Pages read their rows when they are rendered.
                return answer.render() if hasattr(answer, "render") else answer

        return seen

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        return list(regroup(super().get_app_list(request, app_label)))

    def get_urls(self) -> list[Any]:
        health, doctor = map(never_cache, (self.health_view, self.doctor_view))
        return [
            path("health/", self.admin_view(health), name="health"),
            path("doctor/", self.admin_view(doctor), name="doctor"),
            *super().get_urls(),
        ]

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """The home page: the health of the site, and the models by task."""
        return super().index(request, {**health_context(request), **(extra_context or {})})

    def health_view(self, request: HttpRequest) -> HttpResponse:
        """The part of the home page that it asks for again every few seconds."""
        return TemplateResponse(request, "admin/_health.html", health_context(request))

    def doctor_view(self, request: HttpRequest) -> HttpResponse:
        """What the doctor finds on this machine, now."""
        if not may_check(request):
            raise PermissionDenied
        context = {**self.each_context(request), "title": "Check of this site", **doctor_context()}
        return TemplateResponse(request, "admin/doctor.html", context)

    def app_index(  # type: ignore[override]
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Redirect to the home page: an app of Django's is not one of our groups."""
        return redirect("admin:index")

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Redirect to the page that everybody uses for it."""
        return redirect("supervisor:password")

    @method_decorator(never_cache)
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Redirect to the login of the other pages: there is only one, with all its safeguards."""
        target = request.GET.get("next", "")
        if not url_has_allowed_host_and_scheme(target, allowed_hosts=None):
            target = reverse("admin:index")
        if self.has_permission(request):
            return redirect(target)
        if request.user.is_authenticated:
            # That login would send them back here, in a loop.
            raise PermissionDenied("The admin is for staff.")
        return redirect_to_login(target, settings.LOGIN_URL)
