"""Settings as a fresh process reads them from the environment."""

import json
import os
import subprocess
import sys

READ = (
    "import json; from callcenter import settings; "
    "print(json.dumps([settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS, "
    "settings.LIVE_IMPORTANT_QUEUES]))"
)


def read(**environment):
    done = subprocess.run(
        [sys.executable, "-c", READ],
        env={**os.environ, "PROFILE": "production", "SECRET_KEY": "x", **environment},
        capture_output=True,
        check=True,
        text=True,
    )
    return json.loads(done.stdout)


def test_spaces_around_the_commas_of_a_list_are_ignored():
    found = read(
        ALLOWED_HOSTS="calls.example.com, calls.example.org ,",
        CSRF_TRUSTED_ORIGINS=" https://Calls.example.com/ , https://*.example.org",
        LIVE_IMPORTANT_QUEUES="emergency, first line",
    )

    assert found == [
        ["calls.example.com", "calls.example.org"],
        ["https://calls.example.com", "https://*.example.org"],
        ["emergency", "first line"],
    ]
