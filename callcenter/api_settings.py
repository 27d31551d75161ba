"""Settings of the REST API and its schema. Nothing here depends on the site."""

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "calls.api.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["calls.api.authentication.MayCall"],
    "DEFAULT_PARSER_CLASSES": ["calls.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "calls.api.errors.handle",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "callcenter",
    "VERSION": "1.0.0",
    "DESCRIPTION": (
        "Receives the packets of live calls, analyses every finished call, and reports the "
        "results. A packet is answered with 202 once it is stored. Senders need not care about "
        "order, duplicates or gaps: the service handles them."
    ),
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "persistAuthorization": True,
        "defaultModelsExpandDepth": 0,
    },
    "TAGS": [
        {"name": "ingest", "description": "Send packets, and start and end calls"},
        {"name": "read", "description": "Read calls, transcripts, recordings and events"},
        {"name": "reports", "description": "How agents, queues and days went"},
        {"name": "operate", "description": "Retry, dismiss and reanalyse calls"},
    ],
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "CallState": "calls.lifecycle.CallState",
        "AlertState": "calls.models.Alert.State",
        "Sentiment": "calls.models.Call.Sentiment",
        "Trend": "calls.models.Call.Trend",
    },
}
