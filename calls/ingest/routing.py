"""The WebSocket addresses that packets come in by."""

from django.urls import path

from calls.ingest.sockets import packet_socket

websocket_urlpatterns = [
    path("v1/call/stream/<str:call_id>", packet_socket),  # type: ignore[arg-type]
]
