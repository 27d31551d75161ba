"""The program that docs/feed.md prints, run against a real server."""

import re
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.rig.services import Service

pytestmark = pytest.mark.processes
DOCUMENTATION = Path(__file__).parents[3] / "docs" / "feed.md"
START = "from calls.services import start_call; start_call(call_id='{}')"
SAY = """
from calls.models import Call
from calls.tests.analysis.live.utterances import utter
utter(Call.objects.get(call_id={!r}), {!r}, shown={!r})
"""


def program():
    scope: dict = {"__name__": "example"}
    exec(re.search(r"```python\n(.*?)```", DOCUMENTATION.read_text(), re.DOTALL)[1], scope)
    return scope


@pytest.mark.slow
def test_the_documented_program_prints_words_as_they_are_spoken(tmp_path):
    with Service(tmp_path, API_AUTH="open") as service:
        address = service.web()
        service.run("shell", "-c", START.format("call-1"))
        service.run("shell", "-c", SAY.format("call-1", "I am Ann.", "I am [NAME]."))
        service.run("shell", "-c", SAY.format("call-1", "4 1 1 1", None))

        with closing(program()["words"](address, ["call-1", "call-2"])) as words:
            assert next(words) == ("call-1", "agent", "I am [NAME].")
            service.run("shell", "-c", SAY.format("call-1", "Goodbye.", "Goodbye."))
            assert next(words) == ("call-1", "agent", "Goodbye.")
