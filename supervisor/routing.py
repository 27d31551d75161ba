"""The WebSocket addresses."""

from django.urls import path

from supervisor.listen.consumers import ListenConsumer
from supervisor.live.consumers import SupervisorConsumer, UnknownPathConsumer
from supervisor.wall.consumers import WallConsumer

websocket_urlpatterns = [
    path("stream/ws/supervisor", SupervisorConsumer.as_asgi()),  # type: ignore[arg-type]
    path("stream/ws/supervisor/", SupervisorConsumer.as_asgi()),  # type: ignore[arg-type]
    path("stream/ws/listen/<str:call_id>", ListenConsumer.as_asgi()),  # type: ignore[arg-type]
    # Below the address of the page, because browsers send the cookie of a display nowhere else.
    path("supervisor/wall/feed", WallConsumer.as_asgi()),  # type: ignore[arg-type]
    path("supervisor/wall/<int:screen_id>/feed", WallConsumer.as_asgi()),  # type: ignore[arg-type]
    # Without it, Channels raises an error for each socket at an unknown address.
    path("<path:unknown>", UnknownPathConsumer.as_asgi()),  # type: ignore[arg-type]
]
