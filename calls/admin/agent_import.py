"""The page of the admin that imports agents and teams from CSV, with a preview."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models.options import Options
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import reverse

from calls.people.csv_lines import COLUMNS, RULE, decode
from calls.people.importing import Imported, import_agents

PERMISSIONS = ("calls.add_agent", "calls.change_agent", "calls.add_team")
BYTES_LIMIT = 1024 * 1024
SHOWN = 100


class ImportForm(forms.Form):
    """A file, or its lines. The question before the import sends the lines again."""

    file = forms.FileField(label="CSV file", required=False, help_text=RULE)
    text = forms.CharField(
        label="or its lines",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "cols": 60, "spellcheck": "false"}),
        help_text="Paste them here instead of choosing a file.",
    )

    def clean_file(self) -> str:
        upload = self.cleaned_data["file"]
        if upload is None:
            return ""
        if upload.size > BYTES_LIMIT:
            raise ValidationError(_too_large(upload.size))
        try:
            return decode(upload.read())
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def clean_text(self) -> str:
        text = str(self.cleaned_data["text"])
        if (size := len(text.encode(errors="replace"))) > BYTES_LIMIT:
            raise ValidationError(_too_large(size))
        return text

    def clean(self) -> None:
        super().clean()
        given = [self.cleaned_data.get(name, "").strip() for name in ("file", "text")]
        if not self.errors and given.count("") != 1:
            raise ValidationError("Choose a file, or paste its lines.")

    @property
    def lines(self) -> str:
        return str(self.cleaned_data["file"] or self.cleaned_data["text"])


def _too_large(size: int) -> str:
    most, found = filesizeformat(BYTES_LIMIT), filesizeformat(size)
    return f"At most {most} can be imported here; this has {found}. Use manage.py import_agents."


def may_import(request: HttpRequest) -> bool:
    return request.user.has_perms(PERMISSIONS)


def show_import(request: HttpRequest, *, site: AdminSite, opts: Options[Any]) -> HttpResponse:
    """Ask for a file, then show what it would change, then import it."""
    if not may_import(request):
        raise PermissionDenied
    is_sent = request.method == "POST"
    form = ImportForm(request.POST, request.FILES) if is_sent else ImportForm()
    found: Imported | None = None
    if is_sent and form.is_valid():
        found = import_agents(form.lines, dry_run="confirm" not in request.POST)
        if "confirm" in request.POST and not found.problems:
            messages.success(request, str(found))
            return HttpResponseRedirect(reverse("admin:calls_agent_changelist"))
    context = {
        **site.each_context(request),
        "title": "Import agents",
        "opts": opts,
        "form": form,
        "columns": ",".join(COLUMNS),
        "found": found,
        "steps": [step for step in found.steps if step.changes][:SHOWN] if found else [],
        "problems": found.problems[:SHOWN] if found else [],
        "is_popup": False,
    }
    return TemplateResponse(request, "admin/calls/agent/import.html", context)
