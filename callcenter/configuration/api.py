"""Settings of the REST API and its schema. Nothing here depends on the site."""

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "calls.api.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["calls.api.authentication.MayCall"],
    "DEFAULT_THROTTLE_CLASSES": ["calls.api.throttling.KeyThrottle"],
    "DEFAULT_PARSER_CLASSES": ["calls.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "calls.api.docs.schema.ScopedSchema",
    "EXCEPTION_HANDLER": "calls.api.errors.handle",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "callcenter",
    "VERSION": "1.0.0",
    "DESCRIPTION": (
        "Receives the packets of live calls, analyses every finished call, and reports the "
        "results. A packet gets 202 once it is stored. Senders need not care about "
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
        {
            "name": "ingest",
            "description": "Start here: describe a call, send its packets, and end it.",
        },
        {
            "name": "results",
            "description": "The results of a call: transcript, sentiment, recording, attempts.",
        },
        {
            "name": "live",
            "description": "Everything that happens, as it happens or from an offset.",
        },
        {"name": "lists", "description": "Find calls by filters or by what was said in them."},
        {"name": "alerts", "description": "What rules have found, and who handles it."},
        {"name": "reports", "description": "Agents, queues and days: now and over time."},
        {
            "name": "supervise",
            "description": "Act on one call or on many: retry, dismiss, reanalyse, delete...",
        },
        {"name": "privacy", "description": "Keep calls from deletion, and erase personal data."},
        {"name": "annotate", "description": "Tags and notes of a call."},
        {
            "name": "administration",
            "description": "Set up alert rules, webhooks, notification targets and API keys.",
        },
    ],
    # In the order of the routes. `start` cannot be the first of these, but is what comes first.
    "SORT_OPERATIONS": lambda endpoint: not endpoint[0].endswith("/start"),
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "CallState": "calls.lifecycle.CallState",
        "DeliveryState": "calls.models.Delivery.State",
        "RuleKind": "calls.models.AlertRule.Kind",
        "ConditionKind": "calls.api.serializers.rules.CONDITION_CHOICES",
        "TargetKind": "calls.models.NotificationTarget.Kind",
        "AlertSeverity": "calls.api.filters.LEVELS",
        "AlertState": "calls.models.Alert.State",
        "Sentiment": "calls.models.Call.Sentiment",
        "Trend": "calls.models.Call.Trend",
        "Direction": "calls.models.Call.Direction",
        "EndReason": "calls.models.Call.EndReason",
        "SoundTrouble": "calls.models.Call.SoundTrouble",
        "Stage": "calls.models.Stage",
        "AttemptOutcome": "calls.models.Attempt.Outcome",
        "SummaryKind": "calls.models.SummaryKind",
        "ResolvedReason": "calls.models.Alert.Reason",
        "QuietMode": "calls.models.AlertRule.QuietMode",
        "RuleSpeaker": "calls.models.AlertRule.Speaker",
        "BulkActionKind": "calls.models.BulkAction.Kind",
        "Scope": "calls.models.ApiKey.Scope",
        "Speaker": ["agent", "customer"],
        "HitPlace": ["agent", "customer", "summary", "insight", "keyword", "note"],
        "EndStatus": "calls.api.docs.calls.END_STATUSES",
        "AcknowledgementStatus": "calls.api.docs.alerts.ACKNOWLEDGEMENT_STATUSES",
    },
}
