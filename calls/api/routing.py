"""The routes of the WebSockets that accept packets."""

from django.urls import path

from calls.api.sockets import packet_socket
from calls.ingest.carriers.socket import media_socket

websocket_urlpatterns = [
    path("v1/call/stream/<str:call_id>", packet_socket),  # type: ignore[arg-type]
    path("v1/media", media_socket),  # type: ignore[arg-type]
    path("v1/media/<str:call_id>", media_socket),  # type: ignore[arg-type]
]
