"""The files that the call page offers for download."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from calls.models import Call

# Format in the API, its label on the page, and the file extension.
FORMATS = (
    ("text", "Text", "txt"),
    ("vtt", "WebVTT", "vtt"),
    ("json", "JSON", "json"),
    ("vcon", "vCon", "vcon.json"),
    ("contactlens", "Contact Lens", "contactlens.json"),
)


@dataclass(frozen=True, slots=True)
class Download:
    label: str
    address: str
    file: str


def list_downloads(call: Call, *, redacted: bool, has_sound: bool) -> list[Download]:
    """Return the transcript in each format and the recording, redacted if the page is."""
    # The API redacts by default, so only the exception needs a parameter.
    more = {} if redacted else {"redacted": "false"}
    found = [
        Download(
            label,
            # Without `format=json`, a browser would get the HTML page of the API.
            f"{reverse('transcript', args=[call.call_id])}"
            f"?{urlencode({'as': name, 'format': 'json', **more})}",
            f"{call.call_id}.{suffix}",
        )
        for name, label, suffix in FORMATS
    ]
    if has_sound:
        query = f"?{urlencode(more)}" if more else ""
        address = reverse("recording", args=[call.call_id]) + query
        found.append(Download("Recording", address, f"{call.call_id}.wav"))
    return found
