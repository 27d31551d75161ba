"""A user's settings: the page, and how they apply to every other page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from calls.models import Call, Preferences
from supervisor import dates, preferences
from supervisor.board.columns import shown_columns
from supervisor.tests.factories import shown, text_of

pytestmark = pytest.mark.django_db
PAGE = "/supervisor/account/settings/"
USUAL = {"time_zone": "", "dates": "en-GB", "alert_volume": "50", "shortcuts": "on"}


def own():
    return Preferences.objects.get(user__username="ana")


def choose(**fields):
    return Preferences.objects.create(user=User.objects.get(username="ana"), **fields)


# --- The page ---------------------------------------------------------------------------------
def test_visitors_are_sent_to_the_login(client):
    assert client.get(PAGE).url == f"/supervisor/login/?next={PAGE}"


def test_every_account_has_settings_and_reaches_them_from_the_menu(visitor):
    page = visitor().get(PAGE)

    assert page.status_code == 200
    assert f'href="{PAGE}"' in page.content.decode()
    assert "Logged in as ana" in " ".join(page.content.decode().replace("<strong>", "").split())


def test_settings_are_saved_for_this_account_alone(supervisor):
    Call.objects.create(call_id="c", queue="<billing> & more")
    chosen = {**USUAL, "time_zone": "Asia/Tokyo", "dates": "de-DE", "alert_sound": "on"}

    response = supervisor.post(PAGE, {**chosen, "queues": ["<billing> & more"]}, follow=True)

    assert "Settings saved." in text_of(response)
    saved = own()
    assert (saved.time_zone, saved.dates, saved.alert_sound) == ("Asia/Tokyo", "de-DE", True)
    assert (saved.alert_volume, saved.shortcuts) == (50, True)
    assert saved.queues == ["<billing> & more"]
    assert Preferences.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [("time_zone", "Mars/Base"), ("dates", "tlh"), ("alert_volume", "101"), ("queues", "nowhere")],
)
def test_an_invalid_choice_is_refused_at_its_field(supervisor, field, value):
    response = supervisor.post(PAGE, {**USUAL, field: value})

    assert response.status_code == 400
    assert "Not saved" in text_of(response)
    assert response.content.decode().count("account__error") == 1
    assert not Preferences.objects.exists()


def test_a_chosen_queue_without_recent_calls_stays_chosen(supervisor):
    choose(queues=["gone"])

    supervisor.post(PAGE, {**USUAL, "queues": ["gone"]})

    assert own().queues == ["gone"]


def test_the_default_columns_are_not_stored(supervisor):
    usual = [column.name for column in shown_columns() if column.is_optional]

    supervisor.post(PAGE, {**USUAL, "columns": usual})
    assert own().columns == []

    supervisor.post(PAGE, {**USUAL, "columns": ["queue", "loss"]})
    assert own().columns == ["queue", "loss"]


# --- How they apply ---------------------------------------------------------------------------
def test_pages_show_times_in_the_chosen_zone_and_format(supervisor):
    choose(time_zone="Asia/Tokyo", dates="de-DE")
    Call.objects.create(call_id="c", opened_at=datetime(2026, 3, 10, 20, 5, 9, tzinfo=UTC))

    page = supervisor.get("/supervisor/?from=2026-03-01").content.decode()

    assert ">11.03. 05:05</time>" in page
    assert ' data-zone="Asia/Tokyo" data-dates="de-DE"' in page


def test_scripts_read_sound_and_keys_from_the_page(supervisor):
    choose(alert_sound=True, alert_volume=80, shortcuts=False)

    page = supervisor.get("/supervisor/alerts/").content.decode()

    assert '<html lang="en" data-sound="on" data-volume="80" data-keys="off">' in page


def test_the_pages_of_a_user_without_settings_contain_none(supervisor):
    assert '<html lang="en">' in supervisor.get("/supervisor/alerts/").content.decode()


def test_preferences_do_not_leak_into_the_next_request(supervisor, client):
    choose(time_zone="Asia/Tokyo", dates="de-DE")

    supervisor.get(PAGE)

    assert timezone.get_current_timezone_name() == "UTC"
    assert preferences.active() is preferences.USUAL


def test_a_time_zone_that_the_system_has_lost_is_ignored(supervisor):
    choose(time_zone="Mars/Base")

    assert supervisor.get(PAGE).status_code == 200


def test_the_wallboard_shows_the_chosen_columns_unless_the_address_names_others(supervisor):
    choose(columns=["loss"])
    Call.objects.create(call_id="c")

    chosen = supervisor.get("/supervisor/").content.decode()
    asked = supervisor.get("/supervisor/?columns=queue").content.decode()

    assert ('class="c-loss"' in chosen, 'class="c-queue"' in chosen) == (True, False)
    assert ('class="c-loss"' in asked, 'class="c-queue"' in asked) == (False, True)


def test_my_queues_narrow_the_wallboard_to_the_queues_of_the_reader(supervisor):
    for queue in ("billing", "sales", "mine", ""):
        Call.objects.create(call_id=f"c-{queue}", queue=queue)

    assert shown(supervisor.get("/supervisor/?mine=1")) == []
    assert "My queues" not in text_of(supervisor.get("/supervisor/"))

    choose(queues=["billing", "mine"])
    assert set(shown(supervisor.get("/supervisor/?mine=1"))) == {"c-billing", "c-mine"}
    assert len(shown(supervisor.get("/supervisor/"))) == 4
    assert "My queues" in text_of(supervisor.get("/supervisor/"))


def test_the_api_does_not_read_preferences(supervisor, django_assert_max_num_queries):
    choose()

    with django_assert_max_num_queries(4) as captured:
        supervisor.get("/v1/call")

    assert not [each for each in captured if "calls_preferences" in each["sql"]]


@pytest.mark.parametrize(("chosen", "label"), Preferences.Dates.choices)
def test_the_label_of_a_date_format_is_an_example(chosen, label):
    at = datetime(2026, 11, 28, 21, 2, 20, tzinfo=UTC)

    preferences.activate(Preferences(dates=chosen))
    try:
        shown = dates.whole(at)
    finally:
        preferences.deactivate()

    assert shown.replace(":20", "").replace(", 09", ", 9") == label
