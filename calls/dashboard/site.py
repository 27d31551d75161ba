"""The admin site: navigation by task, and the login of the other pages."""

from __future__ import annotations

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

from calls.dashboard.groups import regroup
from calls.dashboard.health import health_context


class DashboardSite(admin.AdminSite):
    site_header = site_title = "callcenter"
    index_title = "Administration"
    empty_value_display = "\N{EN DASH}"

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        return list(regroup(super().get_app_list(request, app_label)))

    def get_urls(self) -> list[Any]:
        view = self.admin_view(never_cache(self.health_view))
        return [path("health/", view, name="health"), *super().get_urls()]

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """The home page: the health of the site, and the models by task."""
        return super().index(request, {**health_context(request), **(extra_context or {})})

    def health_view(self, request: HttpRequest) -> HttpResponse:
        """The part of the home page that it asks for again every few seconds."""
        return TemplateResponse(request, "admin/_health.html", health_context(request))

    def app_index(  # type: ignore[override]
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to the home page: an app of Django's is no group of ours."""
        return redirect("admin:index")

    @method_decorator(never_cache)
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to the login of the other pages, so that there is one, with all its safeguards."""
        target = request.GET.get("next", "")
        if not url_has_allowed_host_and_scheme(target, allowed_hosts=None):
            target = reverse("admin:index")
        if self.has_permission(request):
            return redirect(target)
        if request.user.is_authenticated:
            # That login would send them back here, in a loop.
            raise PermissionDenied("The admin is for staff.")
        return redirect_to_login(target, settings.LOGIN_URL)
