"""The catalogue of actions: what people and programs can do to a call.

Whether a state allows a transition is decided by ``calls.lifecycle``, under the lock of the call.
"""

from __future__ import annotations

from typing import Any

from calls import services
from calls.actions.action import Action, ManyCalls, OneCall
from calls.alerts.services import NothingToAcknowledge, acknowledge_call
from calls.analysis.redecoding import decode_call
from calls.analysis.speakers import swap_speakers
from calls.annotations import (
    AnnotationRefused,
    NotThere,
    NotYours,
    add_note,
    add_tag,
    delete_note,
    remove_tag,
    without_personal_data,
)
from calls.deletion import delete_call
from calls.holds import services as holds
from calls.lifecycle import CallState
from calls.models import ApiKey, Call

DELETE = "calls.delete_call"
DELETE_NOTE = "calls.delete_note"  # notes of other people
REFUSALS = (
    services.NotPossible, services.CallNotFound, NotThere, NotYours, AnnotationRefused,
    NothingToAcknowledge, holds.HoldRefused, holds.NotHeld, holds.OnHold,
)  # fmt: skip


def _end(*, call_id: str, by: str, reason: str = Call.EndReason.OPERATOR) -> Call:
    return services.end_call(call_id=call_id, by=by, reason=reason)


def _dismiss(*, call_id: str, by: str, note: str = "") -> Call:
    # The log keeps the reason for good, so it must not contain personal data.
    return services.dismiss_call(call_id=call_id, by=by, note=without_personal_data(note))


def _tag(*, call_id: str, by: str, tag: str) -> Any:
    return add_tag(call_id=call_id, by=by, name=tag)


def _untag(*, call_id: str, by: str, tag: str) -> Call:
    return remove_tag(call_id=call_id, by=by, name=tag)


ACTIONS = {
    action.name: action
    for action in (
        Action(
            name="end",
            past="ended",
            run=_end,
            states=frozenset({CallState.IN_PROGRESS}),
            scope=ApiKey.Scope.INGEST,
            status="processing_initiated",
            is_grave=True,
            page=OneCall(
                label="End call",
                question="End this call?",
                consequence=(
                    "Its analysis starts now. Packets that still arrive are kept and marked "
                    "late. The phone connection itself is not affected."
                ),
                done="The call was ended. Its analysis starts now.",
            ),
            bulk=ManyCalls(
                title="End calls",
                button="End {calls}",
                will="will be ended",
                consequence=(
                    "Their analysis starts at once. Packets that still arrive are kept and "
                    "marked late. The phone connections themselves are not affected."
                ),
            ),
            admin_label="End",
        ),
        Action(
            name="retry",
            past="retried",
            run=services.retry_call,
            states=frozenset({CallState.FAILED}),
            status="retry_initiated",
            page=OneCall(
                label="Retry",
                question="Retry the analysis?",
                consequence="The call gets another round of attempts. No existing data is lost.",
                done="The call gets another round of attempts.",
                is_main=True,
            ),
            bulk=ManyCalls(
                title="Retry calls",
                button="Retry {calls}",
                will="will get another round of attempts",
                consequence="Each call resumes where it failed. No existing data is lost.",
                done="Queued",
            ),
            admin_label="Retry (failed calls)",
        ),
        Action(
            name="dismiss",
            past="dismissed",
            run=_dismiss,
            states=frozenset({CallState.FAILED}),
            status="dismissed",
            may_take=("note",),
            is_done=lambda call: call.dismissed_at is not None,
            page=OneCall(
                label="Dismiss",
                question="Dismiss this call?",
                consequence=(
                    "The call needs no analysis. It no longer counts as failed and is not "
                    "retried automatically. Everything received is kept, and a retry undoes the "
                    "dismissal."
                ),
                done="The call was dismissed: it no longer counts as failed.",
            ),
            bulk=ManyCalls(
                title="Dismiss calls",
                button="Dismiss {calls}",
                will="will no longer count as failed",
                consequence=(
                    "They need no analysis and are not retried automatically. Everything "
                    "received is kept, and a retry undoes the dismissal. Calls that are already "
                    "dismissed do not change."
                ),
            ),
            admin_label="Dismiss (failed calls)",
        ),
        Action(
            name="reanalyse",
            past="reanalysed",
            run=services.reanalyse_call,
            states=frozenset({CallState.ARCHIVED}),
            status="reanalysis_initiated",
            takes=("stage",),
            page=OneCall(
                label="Reanalyse",
                question="Analyse this call again?",
                consequence=("The previous result is kept. The new one replaces it on this page."),
                done="The call is being analysed again.",
                place="more",
            ),
            bulk=ManyCalls(
                title="Reanalyse calls",
                button="Reanalyse {calls}",
                will="will be analysed again",
                consequence=(
                    "The previous results are kept as older versions. Each call needs one or "
                    "two requests to the AI."
                ),
                done="Queued",
            ),
            admin_label="Analyse again (archived calls)",
        ),
        Action(
            name="swap",
            past="swapped",
            run=swap_speakers,
            takes=("swapped",),
            page=OneCall(
                label="Swap speakers",
                question="Swap agent and customer?",
                consequence=(
                    "They are swapped in transcript, sentiment, figures and recording at once. "
                    "The previous result is kept as an older version. Nothing is transcribed "
                    "again. The AI then writes a new summary and new insights."
                ),
                done="Agent and customer have been swapped.",
                place="more",
            ),
        ),
        Action(
            name="decode",
            past="decoded again",
            run=decode_call,
            states=frozenset({CallState.ARCHIVED, CallState.FAILED}),
            status="decoding_initiated",
            takes=("media",),
            is_done=lambda call: call.packets_pruned_at is not None,
            page=OneCall(
                label="Decode again as…",
                question="In which format should the packets be decoded?",
                consequence=(
                    "Use this if the sender declared a wrong or an unknown format. The packets are "
                    "decoded from scratch, and the call is transcribed and scored again. The "
                    "previous result is kept as an older version."
                ),
                done="The call is being decoded and analysed again.",
                place="technical",
            ),
        ),
        Action(
            name="tag",
            run=_tag,
            takes=("tag",),
            bulk=ManyCalls(
                title="Tag calls",
                button="Tag {calls}",
                will="will have the tag",
                consequence="Calls that already have it do not change.",
            ),
        ),
        Action(
            name="untag",
            run=_untag,
            takes=("tag",),
            bulk=ManyCalls(
                title="Remove a tag",
                button="Remove tag from {calls}",
                will="will lose the tag, if they have it",
                consequence="Calls without it do not change and are reported.",
            ),
        ),
        Action(
            name="hold",
            run=holds.set_hold,
            permission=holds.HOLD,
            takes=("reason",),
            is_done=holds.is_on_hold,
            page=OneCall(
                label="Legal hold",
                question="Keep this call from deletion?",
                consequence=(
                    "It cannot be deleted by retention, an erasure or anybody until the hold is "
                    "released. Calls of a whole customer are held in the admin."
                ),
                done="The call is on legal hold.",
                place="more",
            ),
            bulk=ManyCalls(
                title="Put calls on legal hold",
                button="Put {calls} on hold",
                will="will be kept from deletion",
                consequence=(
                    "They cannot be deleted until they are released. For calls already on hold, "
                    "this reason replaces the earlier one."
                ),
            ),
        ),
        Action(
            name="release",
            run=holds.release_hold,
            permission=holds.HOLD,
            is_done=lambda call: not holds.is_on_hold(call),
            page=OneCall(
                label="Release the hold",
                question="Release the legal hold?",
                consequence="The call can be deleted again, including by retention.",
                done="The legal hold was released.",
                place="more",
            ),
            bulk=ManyCalls(
                title="Release calls from legal hold",
                button="Release {calls}",
                will="can be deleted again, including by retention",
                consequence=(
                    "Calls without a hold of their own are reported. A hold on all calls of a "
                    "customer stays; it is released in the admin."
                ),
            ),
        ),
        Action(name="note", run=add_note, takes=("text",)),
        Action(name="unnote", run=delete_note, takes=("note_id",)),
        Action(
            name="acknowledge",
            run=acknowledge_call,
            bulk=ManyCalls(
                title="Acknowledge alerts",
                button="Acknowledge alerts of {calls}",
                will="will have no open alert",
                consequence="All their open alerts are acknowledged in your name.",
            ),
        ),
        Action(
            name="delete",
            past="deleted",
            run=delete_call,
            states=frozenset({CallState.ARCHIVED, CallState.FAILED}),
            permission=DELETE,
            scope=ApiKey.Scope.ADMIN,
            is_grave=True,
            removes=True,
            page=OneCall(
                label="Delete call",
                question="Delete this call for good?",
                consequence=(
                    "Its packets, recording, transcripts, notes and alerts are deleted and cannot "
                    "be brought back. The log keeps the id of the call and who deleted it."
                ),
                done="The call was deleted.",
                place="more",
            ),
            bulk=ManyCalls(
                title="Delete calls",
                button="Delete {calls}",
                will="will be deleted for good",
                consequence=(
                    "Their packets, recordings, transcripts, notes and alerts cannot be brought "
                    "back. The log keeps their ids and who deleted them."
                ),
            ),
            admin_label="Delete (calls that are over)",
        ),
    )
}
ON_PAGE = {name: action.page for name, action in ACTIONS.items() if action.page}
IN_BULK = {name: action.bulk for name, action in ACTIONS.items() if action.bulk}
IN_ADMIN = tuple(action for action in ACTIONS.values() if action.admin_label)
