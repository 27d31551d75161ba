"""Sentences of a call in the third person, only where the grammar is certain."""

from __future__ import annotations

import pytest

from calls.analysis.providers.local.reported import report


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("I want my money back, or I will cancel my contract.",
         "The customer wants their money back, or they will cancel their contract."),
        ("You charged me twice for March and nobody answers my emails.",
         ("The customer says the company charged them twice for March and nobody answers their "
         "emails.")),
        ("Hi Bea. My oven stopped heating yesterday.",
         "The customer's oven stopped heating yesterday."),
        ("The heating in our room is not working and it is cold.",
         "The customer says the heating in their room is not working and it is cold."),
        ("I'm calling because I've been waiting for the parcel.",
         "The customer is calling because they have been waiting for the parcel."),
        ("Yes, and I really don't think it's my fault.",
         "The customer really doesn't think it's their fault."),
        ("I was told you would call me at 10:30.",
         "The customer was told the company would call them at 10:30."),
        ("Could you please send me a new one?",
         "The customer asks the agent to send them a new one."),
        ("Can I change my booking to Friday?",
         "The customer asks whether they can change their booking to Friday."),
        ("Please cancel my subscription.",
         "The customer asks the agent to cancel their subscription."),
        ("This is the third time I have called about [ACCOUNT].",
         "The customer says this is the third time they have called about [ACCOUNT]."),
    ],
)  # fmt: skip
def test_what_the_customer_said_is_told_in_the_third_person(said: str, told: str) -> None:
    found = report(said, "customer")

    assert found is not None
    assert found.text == told


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("I have blocked your card and ordered a new one.",
         "The agent has blocked the customer's card and ordered a new one."),
        ("I'll send you a new one within 1,000 hours.",
         "The agent will send the customer a new one within 1,000 hours."),
        ("You will have the full refund within three days, and I am adding ten pounds.",
         ("The agent says the customer will have the full refund within three days, and the agent "
         "is adding ten pounds.")),
        ("The second one is clearly our mistake.",
         "The agent says the second one is clearly their mistake."),
        ("Your new card arrives in three days, and you have it by Friday.",
         ("The agent says the customer's new card arrives in three days, and they have it by "
         "Friday.")),
    ],
)  # fmt: skip
def test_what_the_agent_said_is_told_in_the_third_person(said: str, told: str) -> None:
    found = report(said, "agent")

    assert found is not None
    assert found.text == told


@pytest.mark.parametrize(
    "said",
    [
        "They told me that it was fixed.",  # "they" would be two people
        "My wife and I are very unhappy with it.",
        "I'd already paid for the whole year.",  # "had", not "would"
        "I put the card on the table yesterday.",  # the present and the past are the same
        "Cancel it, I want my money back.",
        "Let me see what I can do for you.",
        "Thank you very much for your help.",
        "You know what you did there.",
        "So it is still under guarantee, isn't it?",
        "Ten working days.",
        "I got you signed up yesterday.",
        "He said: I want my money back.",
        "We carry a spare and we were there on Monday.",  # a verb that is not in the list
        "Ich m\u00f6chte mein Geld zur\u00fcck haben.",
    ],
)
def test_a_sentence_whose_grammar_is_not_certain_is_not_rewritten(said: str) -> None:
    assert report(said, "customer") is None
