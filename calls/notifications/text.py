"""What a message says. It holds no personal data beyond what the pages show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from calls.models import Alert, Call, Severity

MOST_IN_DIGEST = 20
SUBJECT_LENGTH = 150


@dataclass(frozen=True)
class Notice:
    """A message: a line that says what it is about, and the text."""

    title: str
    body: str


def notice_of(alerts: Sequence[Alert]) -> Notice:
    """Return the message about one alert, or the digest of several."""
    if len(alerts) == 1:
        return Notice(_title(alerts[0]), "\n".join(_lines(alerts[0])))
    worst = Severity(max(alert.severity for alert in alerts)).label
    shown = alerts[:MOST_IN_DIGEST]
    texts = ["\n".join([_title(alert), *_lines(alert)]) for alert in shown]
    if left := len(alerts) - len(shown):
        texts.append(f"And {left} more. {_page('supervisor:alerts')}".strip())
    return Notice(f"{len(alerts)} alerts, the worst: {worst}", "\n\n".join(texts))


def test_notice(name: str) -> Notice:
    return Notice("Test message", f"Alerts for “{_one_line(name)}” arrive here.")


def _title(alert: Alert) -> str:
    where = f", {alert.call.queue}" if alert.call.queue else ""
    return _one_line(f"{Severity(alert.severity).label}: {alert.name}{where}")[:SUBJECT_LENGTH]


def _lines(alert: Alert) -> list[str]:
    call = alert.call
    named = [("Agent", call.agent), ("Customer", _customer(call)), ("Queue", call.queue)]
    lines = [f"{label}: {_one_line(value)}" for label, value in named if value]
    lines.append(_one_line(alert.found))
    if alert.quote:
        lines.append(f"{_speaker(alert)}“{_one_line(alert.quote)}”")
    return [*lines, *filter(None, [_link(alert)])]


def _customer(call: Call) -> str:
    return str(call.callee if call.direction == "outbound" else call.caller)


def _speaker(alert: Alert) -> str:
    if not alert.speaker:
        return ""
    at_s = None if alert.offset_ms is None else alert.offset_ms // 1000
    when = "" if at_s is None else f" at {at_s // 60}:{at_s % 60:02}"
    return f"{alert.speaker.capitalize()}{when}: "


def _link(alert: Alert) -> str:
    moment = "" if alert.offset_seconds is None else f"?t={alert.offset_seconds:g}#here"
    address = _page("supervisor:call", alert.call.call_id)
    return f"{address}{moment}" if address else ""


def _page(name: str, *args: str) -> str:
    """Return the full address of a page. Empty if the site does not know its own address."""
    return f"{settings.SITE_URL}{reverse(name, args=args)}" if settings.SITE_URL else ""


def _one_line(text: str) -> str:
    """Return text of callers and phone systems as one line that a chat cannot take for markup."""
    # “<!channel>” would wake a whole Slack channel, and <https://...|text> hide an address.
    readable = text.replace("<", "\u2039").replace(">", "\u203a")
    return " ".join("".join(c if c.isprintable() else " " for c in readable).split())
