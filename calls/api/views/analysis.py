"""The status of the analysis for programs, with the figures of the wallboard and /metrics."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from calls.analysis.status import AnalysisStatus, Load, Outage, read_load, read_status
from calls.api.docs import answers
from calls.api.serializers.analysis import AnalysisStatusSerializer
from calls.api.views.route import READ, CallRoute
from calls.models import Call

_EXAMPLE = {
    "paused": {"since": "2026-01-31T12:00:00Z", "by": "ann", "reason": "The bill is too high."},
    "outages": [
        {
            "provider": "openai",
            "stage": "transcribe",
            "since": "2026-01-31T11:58:00Z",
            "probe_at": "2026-01-31T12:00:30Z",
            "error": "503 Service Unavailable",
            "waiting": 12,
        }
    ],
    "workers": 2,
    "worker_silent_s": 1.4,
    "stages": [
        {"stage": "transcribe", "ready": 12, "retrying": 3, "running": 0, "oldest_s": 130.5}
    ],
}


class AnalysisViewSet(CallRoute):
    """Answers with one document."""

    filter_backends = []
    scopes: ClassVar = {"list": READ}
    # REST framework wants a queryset, although this document has no rows.
    queryset = Call.objects.none()
    serializer_class = BaseSerializer

    @extend_schema(
        operation_id="read_analysis",
        summary="The status of the analysis",
        description=(
            "Whether the analysis is paused, which providers are down and when they are tried "
            "again, how many workers are alive, and how many calls wait for each stage."
        ),
        tags=["live"],
        responses={
            200: OpenApiResponse(
                AnalysisStatusSerializer, examples=[OpenApiExample("Trouble", value=_EXAMPLE)]
            ),
            401: answers.UNAUTHORISED,
            403: answers.FORBIDDEN,
            405: answers.METHOD,
            503: answers.BUSY,
        },
    )
    def list(self, request: Request) -> Response:
        return Response(_document(read_status(), read_load()))


def _document(standing: AnalysisStatus, load: list[Load]) -> dict[str, Any]:
    pause = standing.pause
    return {
        "paused": pause and {"since": pause.paused_at, "by": pause.by, "reason": pause.reason},
        "outages": [_outage(outage) for outage in standing.outages],
        "workers": standing.workers,
        "worker_silent_s": standing.silent_s,
        "stages": [asdict(one) for one in load],
    }


def _outage(outage: Outage) -> dict[str, Any]:
    return asdict(outage)
