"""Posts one message to a chat or another service, by Apprise, which knows what each expects."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlsplit

from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat
from apprise.plugins.custom_json import NotifyJSON
from apprise.plugins.slack import NotifySlack
from apprise.plugins.workflows import NotifyWorkflows

from calls.models import NotificationTarget
from calls.notifications.text import Notice
from calls.webhooks.retry import Outcome

Kind = NotificationTarget.Kind
CONNECT_S, READ_S, ALL_S = 5, 10, 25
# Apprise's images would be loaded from its own site.
NO_IMAGES: dict[str, Any] = {"image_url_mask": "", "image_url_logo": ""}
PLUGINS = {Kind.SLACK: NotifySlack, Kind.TEAMS: NotifyWorkflows, Kind.WEBHOOK: NotifyJSON}
EXPECTED = {
    Kind.SLACK: "the address of an incoming webhook, https://hooks.slack.com/services/...",
    Kind.TEAMS: "the address of a workflow, https://...logic.azure.com/workflows/...",
    Kind.WEBHOOK: "https://...",
}
_MARKUP = re.compile(r"[\\`*_{}\[\]()#+!|>~-]")
_STATUS = re.compile(r"error=(\d{3})")


class NotAnAddress(ValueError):
    """The service has no such addresses."""


def plugin_of(kind: str, address: str) -> NotifyBase:
    """Return what posts to this address. Raises NotAnAddress."""
    asset = AppriseAsset(app_id="callcenter", app_desc="callcenter", async_mode=False, **NO_IMAGES)
    url = _as_json_url(address) if kind == Kind.WEBHOOK else address
    plugin = Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    # Apprise chooses a service by the address. No other than the chosen kind may be used.
    if plugin is None or not isinstance(plugin, PLUGINS[Kind(kind)]):
        raise NotAnAddress(f"{EXPECTED[Kind(kind)]}")
    # Regardless of the address: parameters such as verify=no must not weaken a target.
    plugin.verify_certificate, plugin.redirects = True, False
    plugin.socket_connect_timeout, plugin.socket_read_timeout = CONNECT_S, READ_S
    return plugin


def _as_json_url(address: str) -> str:
    """Return the address as Apprise writes it, with the query for the service."""
    scheme, rest, path, query, _ = urlsplit(address)
    pairs = [part.partition("=") for part in query.split("&") if part]
    # A minus in front marks what is not for Apprise itself.
    passed = "&".join(f"-{name}={value}" for name, _, value in pairs)
    name = "jsons" if scheme == "https" else "json"
    return f"{name}://{rest}{quote(path, safe='/%')}{'?' if passed else ''}{passed}"


def post(kind: str, address: str, notice: Notice) -> Outcome:
    """Post the message once. Never raises for what services do."""
    try:
        sender = Apprise(asset=AppriseAsset(async_mode=False, **NO_IMAGES))
        sender.add(plugin_of(kind, address))
    except NotAnAddress as error:
        return Outcome(error=str(error))
    is_teams = kind == Kind.TEAMS
    result = sender.notify(
        body=_as_markdown(notice.body) if is_teams else notice.body,
        title=notice.title,
        body_format=NotifyFormat.MARKDOWN if is_teams else NotifyFormat.TEXT,
        timeout=ALL_S,
    )
    if result:
        return Outcome(200, response="The service accepted the message.")
    return _failure([entry.message for entry in result.logs()])


def _as_markdown(body: str) -> str:
    """Return the text for Teams, which makes links of Markdown only. Callers' words stay text."""
    lines = [
        f"[Open the call]({line})"
        if line.startswith(("https://", "http://"))
        else _MARKUP.sub(r"\\\g<0>", line)
        for line in body.splitlines()
    ]
    return "\n\n".join(lines)


def _failure(lines: list[str]) -> Outcome:
    told = "; ".join(line.strip() for line in lines if line.strip())
    found = _STATUS.search(told)
    status = int(found[1]) if found else None
    if status is not None and status < 300:
        # Slack answers 200 with the reason in the text.
        return Outcome(error=f"The service returned {status}, but did not accept the message.")
    return Outcome(status, told[:300] or "The service did not accept the message.")
