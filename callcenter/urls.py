"""The root routes."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from calls.monitoring import health, metrics
from supervisor.wall.views import open_display

docs = SpectacularSwaggerSplitView.as_view(url_name="schema", template_name="docs.html")
routes: list[Any] = [
    path("", RedirectView.as_view(pattern_name="supervisor:board"), name="home"),
    path("v1/", include("calls.api.urls")),
    path("supervisor/", include("supervisor.urls")),
    path("wall/<str:token>/", open_display, name="open-display"),
    # Not left to APPEND_SLASH, whose redirect would carry the token.
    path("wall/<str:token>", open_display),
    path("admin/", admin.site.urls),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", docs, name="docs"),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]
urlpatterns = routes
if settings.PATH_PREFIX:
    urlpatterns = [path(f"{settings.PATH_PREFIX[1:]}/", include(routes))]
handler400 = "calls.api.errors.bad_request"
handler403 = "supervisor.access.explain_refusal"
handler404 = "calls.api.errors.not_found"
handler500 = "calls.api.errors.server_error"
