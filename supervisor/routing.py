"""The WebSocket addresses."""

from django.urls import path

from supervisor.listen.consumers import ListenConsumer
from supervisor.live.consumers import SupervisorConsumer, UnknownPathConsumer

websocket_urlpatterns = [
    path("stream/ws/supervisor", SupervisorConsumer.as_asgi()),  # type: ignore[arg-type]
    path("stream/ws/supervisor/", SupervisorConsumer.as_asgi()),  # type: ignore[arg-type]
    path("stream/ws/listen/<str:call_id>", ListenConsumer.as_asgi()),  # type: ignore[arg-type]
    # Without it, Channels raises an error for each socket at an unknown address.
    path("<path:unknown>", UnknownPathConsumer.as_asgi()),  # type: ignore[arg-type]
]
