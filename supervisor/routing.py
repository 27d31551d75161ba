"""The WebSocket addresses."""

from django.urls import path

from supervisor.consumers import SupervisorConsumer, UnknownPathConsumer

websocket_urlpatterns = [
    path("stream/ws/supervisor", SupervisorConsumer.as_asgi()),
    path("stream/ws/supervisor/", SupervisorConsumer.as_asgi()),
    path("<path:unknown>", UnknownPathConsumer.as_asgi()),
]
