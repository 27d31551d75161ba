"""Pauses and resumes the analysis: two buttons that post, on the wallboard and in the admin."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from calls.actions import OPERATE
from calls.analysis.pausing import AlreadySo, pause_analysis, resume_analysis
from calls.models import AnalysisPause
from supervisor.access import asked_for_at, guarded

REASON_LENGTH = int(AnalysisPause._meta.get_field("reason").max_length or 0)  # noqa: SLF001


@require_POST
@guarded(OPERATE)
def pause(request: HttpRequest) -> HttpResponse:
    reason = " ".join(request.POST.get("reason", "").split())
    if len(reason) > REASON_LENGTH or "\0" in reason:
        messages.error(request, f"The reason must have at most {REASON_LENGTH} characters.")
        return _back(request)
    try:
        pause_analysis(by=request.user.get_username(), reason=reason)
    except AlreadySo as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, "The analysis is paused. Calls are received and wait.")
    return _back(request)


@require_POST
@guarded(OPERATE)
def resume(request: HttpRequest) -> HttpResponse:
    try:
        resume_analysis(by=request.user.get_username())
    except AlreadySo as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, "The analysis runs again.")
    return _back(request)


def _back(request: HttpRequest) -> HttpResponse:
    return redirect(asked_for_at(request) or "supervisor:board")
