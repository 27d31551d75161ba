"""The entry point of every server: HTTP goes to Django, WebSockets to Channels."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callcenter.settings")
django_application = get_asgi_application()

# These import models and the REST framework, so they must follow get_asgi_application().
from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402

from callcenter.path_prefix import WithoutPrefix, WithPrefix  # noqa: E402
from calls.api import routing as ingest  # noqa: E402
from calls.api.addresses import Addresses  # noqa: E402
from calls.api.goodbye import Goodbye  # noqa: E402
from calls.api.limits import BodyLimit  # noqa: E402
from calls.api.waiting import TranscriptWait  # noqa: E402
from calls.asgi import App  # noqa: E402
from calls.ingest.express import ExpressLane  # noqa: E402
from calls.proxies import TrustedProxies  # noqa: E402
from calls.telemetry import publishing  # noqa: E402
from calls.telemetry.serving import Observed  # noqa: E402
from supervisor import routing as supervisor  # noqa: E402
from supervisor.account.demand import ProvenLogin  # noqa: E402
from supervisor.live.event_stream import EventStream  # noqa: E402
from supervisor.live.origin import SameOrigin  # noqa: E402

pages = WithPrefix(django_application, prefix=settings.PATH_PREFIX)
limited = BodyLimit(EventStream(TranscriptWait(pages)), limit=settings.BODY_LIMIT)
# Channels documents this use of Django's patterns; its type stubs do not cover it.
sockets = URLRouter([*ingest.websocket_urlpatterns, *supervisor.websocket_urlpatterns])  # type: ignore[list-item]
routes = ProtocolTypeRouter(
    {
        "http": ExpressLane(limited) if settings.EXPRESS_LANE else limited,
        "websocket": SameOrigin(AuthMiddlewareStack(ProvenLogin(sockets))),
    }
)
below: App = Goodbye(Observed(Addresses(routes)))
if settings.PATH_PREFIX:
    below = WithoutPrefix(below, prefix=settings.PATH_PREFIX)
application = TrustedProxies(below, trusted=settings.TRUSTED_PROXIES)
publishing.start("web")
