"""Words that make a sentence a likely reason, action, outcome or next step of a call."""

from __future__ import annotations

import re
from typing import Literal

Part = Literal["reason", "action", "outcome", "next_step"]
_PATTERNS: dict[Part, str] = {
    "reason": (
        r"\b(?:not|never|nobody|n't|twice|again|lost|broken|down|wrong|late|problem|missing|"
        r"stolen|damaged|fault\w*|charged|cancel\w*|change|order\w*|refund|want|need|would "
        r"like|calling (?:about|because)|how (?:do|can) i)\b"
    ),
    "action": (
        r"\b(?:i will|i'll|i have|i've|i am \w+ing|i'm \w+ing|we will|we'll|you will|you'll|"
        r"will be|refund\w*|sent|send|block\w*|book\w*|correct\w*|chang\w*|offer|transfer\w*|"
        r"pass)\b"
    ),
    "outcome": (
        r"\b(?:fine|fair|accept\w*|agree\w*|complain\w*|great|perfect|relie\w+|cancel\w*|"
        r"works?|fixed|fixing|confirm\w*|done|booked|sorted|thank you for|unacceptable|saved?|"
        r"useless|joke|insult|ombudsman|regulator|lawyer|awful|wasted|want)\b"
    ),
    "next_step": (
        r"\b(?:will|you'll|tomorrow|tonight|today|within|by|until|next|starts?|mondays?|tuesdays?|"
        r"wednesdays?|thursdays?|fridays?|saturdays?|sundays?|minutes|hours|days|weeks|month|"
        r"should be|goes out|please (?:send|call|come|bring))\b"
    ),
}
WORDS = {part: re.compile(pattern, re.IGNORECASE) for part, pattern in _PATTERNS.items()}
CALLS_ABOUT = re.compile(
    r"""
    \b(?:i|we)(?:['\u2019](?:m|re)|\ am|\ are|\ was|\ were)\ (?:just\ |only\ )?
        (?:calling|ringing|phoning|contacting|getting\ in\ touch)(?:\ you)?(?:\ back)?(?:\ today)?
        (?:\ (?:from|on\ behalf\ of)\b.{1,60}?)?
        ,?\ (?:about|because|regarding|concerning|as|to|with|in)\b
    | \breturning\ your\ call\b
    | \bthe\ reason\ (?:for\ (?:my|this|our)\ call|(?:why\ )?(?:i|we)\b.{1,4}\ calling)\b
    | \b(?:this|my\ call)\ is\ (?:a\ \w+\ call\ )?(?:about|regarding|concerning)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
NO_END = re.compile(r"\bplease\b|^no\b", re.IGNORECASE)
ASKED_BACK = re.compile(r"^(?:so|no|yes|that|it says|then)\b|\bisn't it\b", re.IGNORECASE)
PLEASANTRY = re.compile(
    r"thank you for calling|how can i help|anything else|my name is|good (?:morning|afternoon|"
    r"evening)|let me|sorry to hear|goodbye|thank(?:s| you)(?: so| very)? much|"
    r"thanks? (?:you )?for your",
    re.IGNORECASE,
)
