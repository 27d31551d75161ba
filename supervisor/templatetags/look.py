"""How values look on the pages: times, durations, numbers, marks and lengths of bars."""

from __future__ import annotations

import re
from datetime import datetime
from typing import get_args

from django import template
from django.utils import timezone
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from calls.analysis.live.status import LiveStatus
from calls.formats.numbers import score_text
from calls.models import Call
from calls.redaction.kinds import Kind
from calls.search.hits import Excerpt
from supervisor import preferences
from supervisor.call.parties import Parties
from supervisor.dates import short_day, short_minute, short_time, whole
from supervisor.phases import Phase, phase_of

register = template.Library()
MINUTE, HOUR = 60, 3600
NOTED_DIFFERENCE_S = 2.0
BEHIND_FROM_S = 2.0  # live words that are further behind than this are late
ID_TAIL = 8  # characters at the end of a call id that are never cut
LAST_WORDS = 90  # characters of the line that says what was said last in a live call
_MARK = re.compile(r"\[({})\]".format("|".join(get_args(Kind))))


@register.filter
def clock(at: datetime | None) -> SafeString:
    """A time of day, with the date if it is not today. A script converts it to local time."""
    if at is None:
        return mark_safe("")
    local, now = timezone.localtime(at), timezone.localtime()
    short = short_time(local) if local.date() == now.date() else short_day(local)
    return _time(at, local, short, "clock")


@register.filter
def minute(at: datetime) -> SafeString:
    """A time of day without its seconds."""
    local = timezone.localtime(at)
    return _time(at, local, short_minute(local), "minute")


@register.filter
def worded(at: datetime | None, text: str) -> SafeString:
    """A word that shows its time when it is pointed at."""
    if at is None:
        return mark_safe("")
    return _time(at, timezone.localtime(at), text, "word")


@register.filter
def day_and_time(at: datetime | None) -> SafeString:
    """A date and a time of day."""
    if at is None:
        return mark_safe("")
    local = timezone.localtime(at)
    return _time(at, local, whole(local), "day_and_time")


def _time(at: datetime, local: datetime, text: str, kind: str) -> SafeString:
    return format_html(
        '<time datetime="{}" data-as="{}" title="{}">{}</time>',
        at.isoformat(timespec="milliseconds"),
        kind,
        f"{whole(local)} {local:%Z}",
        text,
    )


@register.simple_tag
def preference_data() -> SafeString:
    """The reader's preferences as data of the page, where its scripts read them."""
    own = preferences.active()
    data = {
        "zone": own.time_zone,
        "dates": "" if own.dates == preferences.USUAL.dates else own.dates,
        "sound": "on" if own.alert_sound else "",
        "volume": "" if own.alert_volume == preferences.USUAL.alert_volume else own.alert_volume,
        "keys": "" if own.shortcuts else "off",
    }
    return format_html_join("", ' data-{}="{}"', (each for each in data.items() if each[1] != ""))


@register.filter
def span(seconds: float | None) -> str:
    """Seconds as 0:07, 12:30 or 1:02:03."""
    if seconds is None:
        return ""
    whole = max(0, int(seconds))
    hours, minutes = whole // HOUR, whole % HOUR // MINUTE
    if hours:
        return f"{hours}:{minutes:02}:{whole % MINUTE:02}"
    return f"{minutes}:{whole % MINUTE:02}"


@register.filter
def span_ms(milliseconds: float | None) -> str:
    return "" if milliseconds is None else span(milliseconds / 1000)


@register.filter
def age(since: datetime | None) -> str:
    """The time since a moment, as a span. A script keeps it running."""
    return span((timezone.now() - since).total_seconds()) if since else "\N{EN DASH}"


@register.filter
def customer_of(call: Call) -> str:
    """The number or name of the customer: who was called, if the agent made the call."""
    return call.callee if call.direction == Call.Direction.OUTBOUND else call.caller


@register.filter
def parties(call: Call) -> Parties:
    """The two sides of a call, and which way it went."""
    return Parties.of(call)


@register.filter
def halves(call_id: str) -> tuple[str, str]:
    """A call id in two parts, to cut it in the middle: ids often differ only at the end."""
    return call_id[:-ID_TAIL], call_id[-ID_TAIL:]


@register.filter
def lasted(call: Call) -> str:
    """The duration of an ended call; empty for a live one."""
    return span(call.lasted_s(call.ended_at)) if call.ended_at else ""


@register.filter
def received_within(call: Call) -> str:
    """How long receiving the packets took, if that is not the duration of the call; or empty."""
    took = call.received_within
    if took is None or call.duration_ms is None:
        return ""
    differs = abs(took.total_seconds() - call.duration_ms / 1000) >= NOTED_DIFFERENCE_S
    return f"received within {span(took.total_seconds())}" if differs else ""


@register.filter
def phase(call: Call) -> Phase:
    """The state of a call in a supervisor's words."""
    return phase_of(call)


@register.filter
def took(milliseconds: int | None) -> str:
    """A short duration: 840 ms, 2.4 s, 3:20."""
    if milliseconds is None:
        return ""
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    return f"{milliseconds / 1000:.1f} s" if milliseconds < MINUTE * 1000 else span_ms(milliseconds)


@register.filter
def grouped(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


@register.filter
def at_most(number: int, most: int) -> str:
    """A number that was counted up to a limit: 1,000+ at the limit."""
    return f"{number:,}+" if number >= most else f"{number:,}"


@register.filter
def brief(number: float | None) -> str:
    """A number with up to two decimals, fewer from 10 on: 0, 0.25, 3.4, 78, 1,234."""
    if not number:
        return "0"
    places = 0 if number >= 100 else 1 if number >= 10 else 2
    text = f"{number:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@register.filter
def share(part: float, whole: float) -> int:
    return round(100 * part / whole) if whole else 0


@register.filter
def marked(text: str) -> SafeString:
    """Turn each redaction mark, such as ``[EMAIL]``, into a chip. Escape the rest."""
    if "[" not in text:  # most texts, and a page may have a thousand
        return conditional_escape(text)
    # split() with one group alternates: text, kind, text, kind, text.
    parts = _MARK.split(text)
    pieces = [
        _chip(part) if place % 2 else conditional_escape(part) for place, part in enumerate(parts)
    ]
    return format_html_join("", "{}", ((piece,) for piece in pieces))


@register.filter
def heard_text(status: LiveStatus) -> str:
    """How many live calls are transcribed, and how late. board/figures.js writes the same."""
    calls = status.calls + status.waiting
    if not calls:
        return ""
    text = f"{status.calls} of {calls} calls" if status.waiting else "all calls"
    is_late = status.behind_s >= BEHIND_FROM_S
    return f"{text}, {status.behind_s:.0f} s behind" if is_late else text


@register.filter
def last_words(text: str) -> str:
    """The end of a text, up to LAST_WORDS characters of whole words: …and they charged me twice."""
    if len(text) <= LAST_WORDS:
        return text
    return "…" + text[-LAST_WORDS:].partition(" ")[2]


@register.filter
def highlighted(excerpt: Excerpt) -> SafeString:
    """Mark the search words in a text, and turn redaction marks into chips."""
    if not excerpt.spans:  # the usual case, worth a fast path on a page of a thousand turns
        return marked(excerpt.text)
    pieces = [
        format_html('<mark class="sought">{}</mark>', text) if is_sought else marked(text)
        for text, is_sought in excerpt.pieces
    ]
    return format_html_join("", "{}", ((piece,) for piece in pieces))


def _chip(kind: str) -> SafeString:
    words = kind.replace("_", " ").lower()
    return format_html('<mark class="removed" title="Removed: {}">{}</mark>', words, words)


@register.filter
def score(value: float | None) -> str:
    """A score with one decimal and a real minus sign; empty if it is not known."""
    return "" if value is None else score_text(value)


@register.filter
def score_height(score: float | None) -> float:
    """The height of a bar for a score of -5 to +5, where 5 fills half of the 40 units."""
    return 0 if score is None else round(max(abs(score) * 4, 1), 1)


@register.filter
def score_top(score: float | None) -> float:
    """The top of that bar: above the middle line for a positive score, at it for a negative one."""
    return round(20 - score_height(score), 1) if score and score > 0 else 20


@register.filter
def bar_of(part: float, whole: float) -> float:
    """A share as a length on a bar of length 100."""
    return round(100 * part / whole, 2) if whole else 0


@register.filter
def spaced(name: str) -> str:
    """An identifier as words: next_step becomes Next step."""
    return name.replace("_", " ").capitalize()


@register.filter
def stage_name(stage: str) -> str:
    """A stage of the analysis in words."""
    return {"transcribe": "transcription", "understand": "summary and sentiment"}.get(stage, stage)


@register.filter
def provider_name(name: str) -> str:
    """The name of a provider. One whose failures are simulated has that of the provider in it."""
    return name.removeprefix("chaos(").removesuffix(")") if name.startswith("chaos(") else name


@register.filter
def kind_name(kind: str) -> str:
    """The name of a kind of cell in the legend of the packet map."""
    return {"reordered": "Out of order", "pruned": "Removed"}.get(kind, kind.capitalize())
