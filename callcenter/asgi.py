"""The entry point of every server: HTTP goes to Django, WebSockets to Channels."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callcenter.settings")
django_application = get_asgi_application()

# These import models and the REST framework, so they must follow get_asgi_application().
from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402

from calls.api import routing as ingest  # noqa: E402
from calls.api.addresses import Addresses  # noqa: E402
from calls.api.limits import BodyLimit  # noqa: E402
from calls.ingest.express import ExpressLane  # noqa: E402
from supervisor import routing as supervisor  # noqa: E402
from supervisor.live.event_stream import EventStream  # noqa: E402
from supervisor.live.origin import SameOrigin  # noqa: E402

http_application = ExpressLane(django_application) if settings.EXPRESS_LANE else django_application
# Channels documents this use of Django's patterns; its type stubs do not cover it.
sockets = URLRouter([*ingest.websocket_urlpatterns, *supervisor.websocket_urlpatterns])  # type: ignore[list-item]
application = Addresses(
    ProtocolTypeRouter(
        {
            "http": BodyLimit(EventStream(http_application), limit=settings.BODY_LIMIT),
            "websocket": SameOrigin(AuthMiddlewareStack(sockets)),
        }
    )
)
