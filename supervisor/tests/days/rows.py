"""A floor with calls of every kind, and the accounts of the people who work there."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.utils import timezone

from calls.annotations import add_note, add_tag
from calls.holds.services import hold_customer, set_hold
from calls.models import Call, CustomField, FieldValue
from calls.tests.admin.rows import make_rows
from calls.tests.factories import failed_call, live_call
from supervisor.tests.browser import PASSWORD
from supervisor.tests.factories import analysed_call, heard_call, raise_alert

PEOPLE = (
    ("Priya Shah", "+44 20 7946 0112", "billing"),
    ("Maximiliane von und zu Hohenlohe-Waldenburg", "+49 30 1234567", "retention and so on"),
    ("مريم السيد", "+966 50 123 4567", "technical support"),
    ("", "", ""),
)
CRM = "https://crm.example.com/customers/C-1042/cases?of=the-year-2026"
QUOTE = "It is the third time that I call about this, and I want to cancel my contract today."
GROUPS = {"sue": "Supervisor", "quinn": "Quality", "otto": "Operator"}


def make_day() -> None:
    made = [analysed_call(f"analysed-{number}") for number in range(12)]
    made += [heard_call(f"heard-{number}") for number in range(3)]
    made += [live_call("live-without-words"), failed_call("failed-for-good")]
    for minutes, call in enumerate(made):
        agent, caller, queue = PEOPLE[minutes % len(PEOPLE)]
        opened_at = timezone.now() - timedelta(minutes=minutes)
        Call.objects.filter(pk=call.pk).update(
            agent=agent, caller=caller, queue=queue, opened_at=opened_at
        )
    for call in (*made[:2], *made[12:14]):
        raise_alert(Call.objects.get(pk=call.pk), quote=QUOTE)
    set_hold(call_id="analysed-0", reason="Case 4711, court of Berlin", by="ana")
    hold_customer(number=PEOPLE[1][1], reason="Complaint 2026/31", by="ana")
    for label, kind, value in (("Customer id", "text", "C-1042"), ("CRM", "link", CRM)):
        field = CustomField.objects.create(
            name=label.lower().replace(" ", "_"), label=label, kind=kind, on_board=kind == "text"
        )
        FieldValue.objects.create(call=made[0], field=field, value=value)
    add_tag(call_id="analysed-0", name="refund", by="ana")
    add_note(call_id="analysed-0", text="Call back on Monday.", by="ana")
    make_rows("1")
    for name, group in GROUPS.items():
        user = User.objects.create(
            username=name, password=make_password(PASSWORD), is_staff=name == "otto"
        )
        user.groups.add(Group.objects.get(name=group))
