"""Follows the action link, after its use was logged."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from calls.listening import LISTEN, use_action_link
from calls.models import Call
from calls.services import CallNotFound, NotPossible
from supervisor.access import guarded
from supervisor.listen.action_link import fill_in, scheme_of


class _Elsewhere(HttpResponseRedirect):
    """A redirect to an address that the settings chose, with a scheme like sip: as well."""

    status_code = 303

    def __init__(self, address: str, scheme: str) -> None:
        self.allowed_schemes = [scheme]
        super().__init__(address)


@require_POST
@guarded(LISTEN)
def follow_action_link(request: HttpRequest, call_id: str) -> HttpResponse:
    if not settings.ACTION_LINK:
        raise Http404("This site has no action link.")
    try:
        call = use_action_link(call_id=call_id, by=request.user.get_username())
    except CallNotFound as error:
        raise Http404(str(error)) from error
    except NotPossible as error:
        messages.error(request, f"The link was not followed: {error}")
        return redirect("supervisor:call", call_id=call_id)
    return _Elsewhere(fill_in(settings.ACTION_LINK, _values(call)), scheme_of(settings.ACTION_LINK))


def _values(call: Call) -> dict[str, str]:
    return {
        "call_id": call.call_id,
        "agent": call.agent,
        "caller": call.caller,
        "callee": call.callee,
        "queue": call.queue,
        "extension": call.agent,
    }
