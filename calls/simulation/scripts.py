"""The content of simulated calls: the recordings in ``demo_calls`` and invented text calls.

A script holds numbered packets with their times. Nothing here knows about HTTP or pacing.
"""

from __future__ import annotations

import json
import re
import struct
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random

import msgspec

DEMO_CALLS = Path(__file__).resolve().parent / "demo_calls"
SERVICE_LINE = "+442079460000"

PACKET_MS = 20
MU_LAW = 7  # WAVE_FORMAT_MULAW in mmreg.h
MU_LAW_SILENCE = b"\xff"

WORDS_PER_SECOND = 2.6

SOURCES = ("recordings", "text", "mixed")


class ScriptedPacket(msgspec.Struct, frozen=True, omit_defaults=True):
    """One packet as it is sent. ``timestamp`` is in seconds from the start of the call."""

    sequence: int
    data: str
    timestamp: float
    track: str = ""
    media: str = ""


class Opening(msgspec.Struct, frozen=True):
    """The body of ``start``."""

    media: str
    agent: str
    caller: str
    callee: str
    queue: str
    direction: str


@dataclass(frozen=True, slots=True)
class Script:
    """A complete call before it is played."""

    slug: str
    opening: Opening
    packets: tuple[ScriptedPacket, ...]


@dataclass(frozen=True, slots=True)
class Wav:
    """The relevant parts of a WAV file. ``data``: interleaved samples as stored."""

    encoding: int
    channels: int
    rate: int
    data: bytes


def read_wav(path: Path) -> Wav:
    """Read a WAV file of any encoding (``wave`` refuses mu-law). Raises ValueError."""
    raw = path.read_bytes()
    if raw[:4] != b"RIFF" or raw[8:12] != b"WAVE":
        raise ValueError(f"{path.name} is not a WAV file")
    chunks = dict(_riff_chunks(raw))
    if len(chunks.get(b"fmt ", b"")) < 16 or b"data" not in chunks:
        raise ValueError(f"{path.name} has no format or no samples")
    encoding, channels, rate = struct.unpack_from("<HHI", chunks[b"fmt "])
    return Wav(encoding, channels, rate, chunks[b"data"])


def _riff_chunks(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 12
    while position + 8 <= len(raw):
        name, size = struct.unpack_from("<4sI", raw, position)
        yield name, raw[position + 8 : position + 8 + size]
        # Chunks of odd length are padded to an even one.
        position += 8 + size + size % 2


def choose_script(source: str, number: int, rng: Random) -> Script:
    """Return the script of call ``number`` (from 1). ``mixed`` alternates, recordings first."""
    is_text = source == "text" or (source == "mixed" and number % 2 == 0)
    if is_text:
        return write_dialogue(rng)
    slugs = recording_slugs()
    place = number // 2 if source == "mixed" else number - 1
    return load_recording(slugs[place % len(slugs)])


@cache
def recording_slugs() -> tuple[str, ...]:
    """Return the names of the recorded calls of this project, in alphabetical order."""
    return tuple(sorted(path.stem for path in DEMO_CALLS.glob("*.wav")))


@cache
def load_recording(slug: str) -> Script:
    """Return a recorded call as base64 packets of 20 ms, with both channels, the agent left."""
    wav = read_wav(DEMO_CALLS / f"{slug}.wav")
    if wav.encoding != MU_LAW:
        raise ValueError(f"{slug}.wav is not mu-law")
    about = json.loads((DEMO_CALLS / f"{slug}.json").read_text(encoding="utf-8"))
    media = f"audio/x-mulaw;rate={wav.rate};channels={wav.channels}"
    opening = _opening(media, about["agent"], about["caller"], about["queue"], about["direction"])
    return Script(slug, opening, tuple(_audio_packets(wav)))


def _opening(media: str, agent: str, customer_number: str, queue: str, direction: str) -> Opening:
    caller, callee = customer_number, SERVICE_LINE
    if direction == "outbound":
        caller, callee = callee, caller
    return Opening(media, agent, caller, callee, queue, direction)


def _audio_packets(wav: Wav) -> Iterator[ScriptedPacket]:
    size = wav.rate * PACKET_MS // 1000 * wav.channels
    for index, begin in enumerate(range(0, len(wav.data), size)):
        # Silence fills the last packet, because decoders expect whole ones.
        frame = wav.data[begin : begin + size].ljust(size, MU_LAW_SILENCE)
        yield ScriptedPacket(index + 1, b64encode(frame).decode(), index * PACKET_MS / 1000)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A conversation with placeholders. ``or:`` lines are alternatives to the line above."""

    slug: str
    queue: str
    products: tuple[str, ...]
    lines: str
    direction: str = "inbound"


def write_dialogue(rng: Random) -> Script:
    """Invent a text call. ``rng`` chooses scenario, people, wording, ending and pauses."""
    scenario = rng.choice(SCENARIOS)
    agent, customer = rng.choice(AGENTS), rng.choice(CUSTOMERS)
    ending = rng.choice(ENDINGS)
    greeting = OUTBOUND_GREETING if scenario.direction == "outbound" else GREETING
    facts = _invent_facts(rng, agent, customer, scenario)
    turns = [
        (track, rng.choice(wordings).format_map(facts))
        for track, wordings in _read_lines(greeting + scenario.lines + ending)
    ]
    # Ofcom keeps +44 20 7946 0000 to 0999 for fiction: nobody has them.
    number = f"+44207946{rng.randrange(1, 1000):04d}"
    opening = _opening("text/plain", agent, number, scenario.queue, scenario.direction)
    return Script(scenario.slug, opening, tuple(_text_packets(turns, rng)))


def _invent_facts(rng: Random, agent: str, customer: str, scenario: Scenario) -> dict[str, str]:
    return {
        "agent": agent.partition(" ")[0],
        "customer": customer,
        "first_name": customer.partition(" ")[0],
        "queue": scenario.queue,
        "product": rng.choice(scenario.products),
        "amount": str(rng.randrange(12, 180)),
        "days": rng.choice(("two", "three", "four", "five")),
        "day": rng.choice(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")),
        "account": " ".join(str(rng.randrange(10)) for _ in range(7)),
        "email": customer.lower().replace(" ", ".") + "@example.com",
        "card": "4111 1111 1111 1111",  # the card schemes' test number
    }


def _read_lines(text: str) -> list[tuple[str, list[str]]]:
    turns: list[tuple[str, list[str]]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        who, _, words = line.partition(": ")
        if who == "or":
            turns[-1][1].append(words)
        else:
            turns.append((who, [words]))
    return turns


def _text_packets(turns: list[tuple[str, str]], rng: Random) -> Iterator[ScriptedPacket]:
    """Return one packet per sentence, with the time at which it starts."""
    sentences = [(t, s) for t, text in turns for s in re.split(r"(?<=[.?!]) ", text)]
    now = rng.uniform(0.3, 0.8)
    in_pairs = pairwise([*sentences, ("", "")])
    for sequence, ((track, text), (next_track, _)) in enumerate(in_pairs, 1):
        yield ScriptedPacket(sequence, text, round(now, 3), track, "text/plain")
        spoken = len(text.split()) / (WORDS_PER_SECOND * rng.uniform(0.85, 1.2))
        now += spoken + (0.15 if track == next_track else rng.uniform(0.25, 1.1))


AGENTS = (
    "Sofia Lindqvist", "Marcus Webb", "Daniel Reyes", "Aisha Karim", "Tom Hargreaves",
    "Priya Nair", "Elena Petrova", "Kwame Mensah", "Yuki Tanaka", "Lucas Moreau",
)  # fmt: skip

CUSTOMERS = (
    "Hannah Clarke", "Omar Haddad", "Grace Okafor", "Peter Novak", "Maria Santos", "Liam Byrne",
    "Ingrid Larsen", "Wei Zhang", "Julia Weber", "Samuel Cohen", "Fatima Rahman", "Oliver Grant",
)  # fmt: skip

GREETING = """
    agent: Northwind {queue}, this is {agent}. How can I help you today?
    or: Thank you for calling Northwind. You are speaking with {agent}. What can I do for you?
    or: Good morning, {agent} speaking from the {queue} team. How may I help?
"""

OUTBOUND_GREETING = """
    agent: Hello, this is {agent} from Northwind. Am I speaking with {customer}?
    or: Good afternoon, my name is {agent} and I am calling from Northwind. Is that {customer}?
    customer: Yes, speaking.
    or: Yes, that is me. What is this about?
"""

HAPPY_ENDING = """
    agent: Is there anything else I can do for you today?
    or: Does that solve it for you?
    customer: No, that is wonderful. Thank you so much for your help.
    or: That is great, you have been really helpful. Thank you!
    agent: You are very welcome, {first_name}. Have a lovely day.
    or: My pleasure. Goodbye, {first_name}.
"""

PLAIN_ENDING = """
    agent: Can I help you with anything else?
    customer: No, that was all. Goodbye.
    or: I think that is everything. Thanks.
    agent: Thank you for calling. Goodbye.
"""

SOUR_ENDING = """
    agent: I am afraid that is all I can offer you at the moment.
    or: I understand that this is not what you hoped for.
    customer: This is really disappointing. I am going to look for another company.
    or: That is terrible service. I want to make a complaint.
    agent: I am sorry that we let you down. I will pass your complaint on to my manager.
    or: I am very sorry. I have noted your complaint, and someone will call you back on {day}.
    customer: I have heard that before. Goodbye.
"""

ENDINGS = (HAPPY_ENDING, HAPPY_ENDING, PLAIN_ENDING, SOUR_ENDING)

SCENARIOS = (
    Scenario(
        "double-charge",
        "billing",
        ("mobile plan", "television package", "broadband contract", "music subscription"),
        """
        customer: I have been charged twice for my {product}, and I am quite annoyed about it.
        or: There is a payment of {amount} pounds for my {product} that I do not recognise.
        agent: I am sorry to hear that. Could you give me your account number, please?
        or: Let me look into that for you. What is your account number?
        customer: It is {account}.
        agent: Thank you, {first_name}. And the email address on the account?
        customer: That is {email}.
        agent: I can see two payments of {amount} pounds. The second one is our mistake.
        or: I see it here. A payment of {amount} pounds was taken again on {day}.
        customer: So when do I get my money back?
        agent: The refund will be on your account within {days} working days.
        """,
    ),
    Scenario(
        "no-connection",
        "technical",
        ("router", "broadband connection", "set-top box", "home telephone"),
        """
        customer: My {product} has not worked for {days} days, and I need it for my job.
        or: I have a problem with my {product}. It stopped working on {day}.
        agent: That must be frustrating. Which lights are on at the front of the box?
        or: I am sorry about that. Have you already switched it off and on again?
        customer: The power light is green, and the one below it is blinking red.
        or: I have restarted it at least {days} times. Nothing changes.
        agent: Thank you. I am running a test on your line. This takes a few seconds.
        customer: All right, I will wait.
        agent: The test shows a fault outside your home. I can send an engineer on {day}.
        or: I can see the fault now. I have reset your line, so please try it again.
        """,
    ),
    Scenario(
        "late-parcel",
        "orders",
        ("coffee machine", "winter coat", "garden table", "pair of headphones", "desk lamp"),
        """
        customer: I ordered a {product} and it should have been here {days} days ago.
        or: Where is my {product}? I was told that it would be delivered on {day}.
        agent: I am sorry for the delay. May I have your order number?
        customer: Yes, it is {account}.
        agent: Thank you. It left our warehouse, but it has been held up at the depot.
        or: I see. The driver could not find the address and took it back.
        customer: It is a birthday present, so I really need it by {day}.
        or: Nobody told me. Could you not have sent me a message?
        agent: I have marked it as urgent, and it will arrive on {day} before noon.
        or: I can send you a new one today at no cost, and refund the delivery charge.
        """,
    ),
    Scenario(
        "blocked-card",
        "cards",
        ("credit card", "debit card", "business card"),
        """
        customer: My {product} was declined at a shop just now, and I do not know why.
        or: I think that somebody has used my {product}. There is a payment that I never made.
        agent: Let me check that at once. Could you read me the number on the card?
        customer: It is {card}.
        agent: Thank you. For security, what is your full name and your email address?
        customer: {customer}, and the address is {email}.
        agent: We stopped a payment of {amount} pounds because it looked unusual.
        or: There was an attempt to pay {amount} pounds abroad, so the card was blocked.
        customer: That was not me. What happens now?
        or: Oh, that was me. I am on holiday.
        agent: I have secured your account, and a new card will reach you by {day}.
        """,
    ),
    Scenario(
        "cancel-contract",
        "retention",
        ("home insurance", "gym membership", "magazine subscription", "car insurance"),
        """
        customer: I would like to cancel my {product}, please.
        or: I want to end my {product}. It has become much too expensive.
        agent: I am sorry that you want to leave. May I ask what the reason is?
        customer: I found the same thing for {amount} pounds less a year.
        or: I am moving abroad on {day}, so I do not need it any more.
        agent: I understand. What if I lowered your price for the next twelve months?
        or: I see. I could pause it for a few months instead, free of charge.
        customer: Hm, I had not expected that. Let me think about it.
        or: No, thank you. I have made up my mind.
        agent: Of course. I will send the details to {email}, so you can decide by {day}.
        or: That is fine. I have made a note of it, and you will get a confirmation by email.
        """,
    ),
    Scenario(
        "better-plan",
        "sales",
        ("fibre package", "family plan", "unlimited data plan"),
        """
        agent: I am calling because our new {product} could save you money.
        or: You have been with us for years, so I would like to offer you our new {product}.
        customer: How much would it cost?
        or: I am quite happy with what I have. What is different about it?
        agent: It is {amount} pounds a month, and there is no charge to switch.
        or: It is twice as fast, and you would pay {amount} pounds a month.
        customer: And how long would I be tied to it?
        agent: Twelve months, and you can change your mind in the first two weeks.
        customer: That sounds fair. Please send it to {email}.
        or: I would have to talk about it at home first.
        agent: I will send you everything in writing, and call you again on {day}.
        """,
        direction="outbound",
    ),
)
