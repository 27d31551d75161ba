"""Questions about calls: who edits them, who answers them, and where the answers go."""

import asyncio
from importlib import import_module

import pytest
from django.apps import apps
from django.urls import reverse

from calls.analysis.insights import enabled_insights, load_insights
from calls.analysis.providers import registry
from calls.analysis.providers.chaos import ChaosProvider
from calls.analysis.providers.openai.chat import prompt_version
from calls.analysis.providers.openai.provider import OpenAIProvider
from calls.analysis.runner import Runner
from calls.lifecycle import CallState
from calls.models import Attempt, Call, Insight, ProviderHealth
from calls.tests.analysis.providers.fake_openai import (
    CHAT,
    FakeOpenAI,
    Reply,
    completion,
    failing,
    judgement,
)
from calls.tests.factories import ended_call

pytestmark = pytest.mark.django_db


@pytest.fixture
def insights():
    Insight.objects.all().delete()
    Insight.objects.create(name="reason", question="Why did they call?")
    Insight.objects.create(name="upsell", question="Was anything sold?", enabled=False)


def provider(server):
    return OpenAIProvider(
        base_url=server.url,
        transcribe_model="whisper-1",
        chat_model="small-talk",
        questions=load_insights,
    )


def analyse(*replies):
    """Let a runner carry the calls that wait, against a server that answers like this."""

    async def work():
        async with FakeOpenAI() as server:
            server.will(CHAT, *replies)
            await Runner(provider(server), linger_s=0, lifetime_s=30).run()
            return server.asked(CHAT)

    return asyncio.run(work())


def test_a_new_database_has_default_questions():
    Insight.objects.all().delete()
    migration = import_module("calls.migrations.0004_insights_and_provider_health")

    migration.create(apps, None)
    migration.create(apps, None)

    assert list(enabled_insights()) == ["reason", "resolved", "next_step"]


def test_only_enabled_questions_are_asked(insights):
    assert enabled_insights() == {"reason": "Why did they call?"}


@pytest.mark.django_db(transaction=True)
def test_the_answers_are_stored_with_the_analysis(insights):
    call = ended_call()

    (seen,) = analyse(completion(judgement(4, insights={"reason": "A dead line.", "upsell": "x"})))

    call = Call.objects.get(pk=call.pk)
    analysis = call.analyses.get()
    assert call.state == CallState.ARCHIVED
    assert analysis.insights == {"reason": "A dead line."}
    prompt = prompt_version(enabled_insights(), language="en")
    assert analysis.provenance == {
        "provider": "openai",
        "model": "small-talk",
        "redaction": {"rules": ["en"]},
        "prompt": prompt,
        "attempts": 1,
    }
    assert "Why did they call?" in seen.fields["messages"][0]["content"]
    assert "Was anything sold?" not in seen.fields["messages"][0]["content"]


def test_a_changed_question_changes_the_prompt_version(insights):
    before = prompt_version(enabled_insights(), language="en")

    Insight.objects.filter(name="upsell").update(enabled=True)

    assert prompt_version(enabled_insights(), language="en") != before
    assert prompt_version({"reason": "Why did they call?"}, language="en") == before


@pytest.mark.django_db(transaction=True)
def test_a_failing_server_is_retried_until_it_succeeds(insights, settings):
    settings.AI_RETRY_BASE = 0
    call = ended_call()

    analyse(
        failing(503),
        failing(429, headers={"retry-after-ms": "10"}),
        completion("I would rather not."),
        Reply(502, "<html>Bad gateway</html>"),
    )

    outcomes = call.attempts.filter(stage="understand").values_list("outcome", "code")
    assert list(outcomes) == [
        ("failed", "503"),
        ("snoozed", "429"),
        ("failed", "invalid_answer"),
        ("failed", "502"),
        ("succeeded", ""),
    ]
    assert Call.objects.get(pk=call.pk).state == CallState.ARCHIVED


@pytest.mark.django_db(transaction=True)
def test_an_account_without_money_fails_the_call_at_once_and_says_why(insights):
    call = ended_call()

    analyse(failing(429, "You exceeded your current quota.", code="insufficient_quota"))

    call = Call.objects.get(pk=call.pk)
    assert call.state == CallState.FAILED
    assert "You exceeded your current quota. (request req-7)" in call.last_error
    assert Attempt.objects.filter(call=call, stage="understand").count() == 1


def test_an_insight_can_be_made_and_switched_off_in_the_admin(admin_client, insights):
    add = reverse("admin:calls_insight_add")

    made = admin_client.post(add, {"name": "churn", "question": "Will they leave?"})
    listed = admin_client.get(reverse("admin:calls_insight_changelist")).content.decode()

    assert made.status_code == 302
    assert Insight.objects.get(name="churn").enabled is False
    assert "Will they leave?" in listed


def test_the_health_of_providers_can_be_viewed_but_not_edited(admin_client):
    row = ProviderHealth.objects.create(provider="openai", stage="understand", failures=3)

    page = admin_client.get(reverse("admin:calls_providerhealth_change", args=[row.pk]))

    assert page.status_code == 200
    assert admin_client.get(reverse("admin:calls_providerhealth_add")).status_code == 403


@pytest.fixture
def fresh_registry():
    registry.get_provider.cache_clear()
    yield
    registry.get_provider.cache_clear()


def test_a_worker_says_at_its_start_that_audio_calls_will_fail(settings, monkeypatch, caplog):
    settings.AI_PROVIDER = "local"
    monkeypatch.setattr(registry, "find_spec", lambda name: None if name == "av" else name)

    registry.warn_of_missing_packages()

    [line] = caplog.records
    assert line.levelname == "WARNING"
    assert line.getMessage().startswith("packages are missing: av. Audio calls fail until you run")


def test_other_providers_need_no_packages_for_audio(settings, monkeypatch, caplog):
    settings.AI_PROVIDER = "openai"
    monkeypatch.setattr(registry, "find_spec", lambda name: None)

    registry.warn_of_missing_packages()

    assert caplog.records == []


def test_the_settings_choose_the_provider_and_chaos_may_wrap_it(settings, fresh_registry):
    settings.AI_PROVIDER, settings.AI_CHAOS_LATENCY = "openai", (0, 0)

    settings.AI_CHAOS_FAILURE_RATE = 0
    assert isinstance(registry.get_provider(), OpenAIProvider)

    registry.get_provider.cache_clear()
    settings.AI_CHAOS_FAILURE_RATE = 0.25
    assert isinstance(registry.get_provider(), ChaosProvider)
    assert registry.get_provider().name == "chaos(openai)"
