"""Wrong settings are all reported at once, one line each."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from callcenter.configuration.checked_values import (
    speakers,
    spoken_language,
    time_zone,
    writable_folder,
)
from callcenter.configuration.database import database_settings
from callcenter.configuration.environment import BadSettings, Environment, choose_profile
from callcenter.local_settings import env as site
from callcenter.settings_page import EXAMPLE, PAGE, page, rows

ROOT = Path(__file__).parents[3]


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Make an environment with these variables and this text of ``.env``."""

    def make(text="", **variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        (tmp_path / ".env").write_text(text)
        return Environment(tmp_path / ".env")

    before = set(os.environ)
    yield make
    for name in set(os.environ) - before:  # from the file
        del os.environ[name]


def test_all_problems_are_reported_at_once_with_exit_status_2(read, capsys):
    env = read(ROOM="many", LIGHT="dim", MOOD="7", WAIT="3-1", KEPT="long")
    env.number("ROOM", 5, 1, 10_000)
    env.flag("LIGHT", default=False)
    env.choice("MOOD", ("glad", "sad"), "glad")
    env.span("WAIT", (0, 0))
    env.days("KEPT", "7")

    with pytest.raises(BadSettings) as stop:
        env.check()

    assert stop.value.code == 2
    assert capsys.readouterr().err.splitlines() == [
        "ROOM is 'many'; it must be a number from 1 to 10000.",
        "LIGHT is 'dim'; it must be true or false.",
        "MOOD is '7'; it must be one of glad, sad.",
        "WAIT is '3-1'; it must be seconds, such as 2, or a range, such as 1-3.",
        "KEPT is 'long'; it must be a number of days, such as 7 or 0.5, or never.",
    ]


@pytest.mark.parametrize("text", ["0", "10001", "nan", "inf", "1e999", "", "-"])
def test_a_number_out_of_range_is_refused(read, text):
    assert read(ROOM=text).number("ROOM", 5, 1, 10_000) == 5


def test_a_blank_setting_counts_as_not_set(read):
    env = read(ROOM="  ")

    assert env.number("ROOM", 5, 1, 10) == 5
    assert env.problems == []


def test_a_misspelt_name_in_the_file_stops_the_start(read, capsys):
    env = read("CALL_IDLE_TIMOUT=3\nPOSTGRES_PASSWORD=x\n# ROMM=1\n")
    env.number("CALL_IDLE_TIMEOUT", 300, 1, 400)

    with pytest.raises(BadSettings):
        env.check()

    assert capsys.readouterr().err == (
        "CALL_IDLE_TIMOUT in .env is not a setting; do you mean CALL_IDLE_TIMEOUT?\n"
    )


def test_a_misspelt_name_in_the_environment_only_causes_a_warning(read, capsys):
    env = read(CALL_IDLE_TIMOUT="3")
    env.number("CALL_IDLE_TIMEOUT", 300, 1, 400)

    env.check()

    assert "do you mean CALL_IDLE_TIMEOUT?" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["mysql://h/x", "nonsense", "postgres://", "sqlite://", "://"])
def test_an_invalid_database_address_is_refused_without_showing_its_password(url):
    with pytest.raises(ValueError, match="DATABASE_URL must be like"):
        database_settings(url, pool_size=1)


def test_a_folder_is_not_accepted_as_a_database(tmp_path):
    with pytest.raises(ValueError, match="must name a file"):
        database_settings(f"sqlite:///{tmp_path}", pool_size=1)


def test_recordings_need_a_writable_folder(tmp_path):
    (tmp_path / "file").touch()

    assert writable_folder(str(tmp_path / "new" / "media"))
    for path in ("/proc/x", str(tmp_path / "file" / "x")):
        with pytest.raises(ValueError, match="MEDIA_ROOT"):
            writable_folder(path)


@pytest.mark.parametrize("name", ["Berlin", "../../etc/passwd", "Europe"])
def test_a_time_zone_has_the_name_of_a_place(name):
    with pytest.raises(ValueError, match="TIME_ZONE"):
        time_zone(name)


def test_a_track_speaker_is_agent_or_customer():
    assert speakers("left=customer, right=agent") == {"left": "customer", "right": "agent"}
    with pytest.raises(ValueError, match="TRACK_SPEAKERS"):
        speakers("left=robot")


def test_only_a_server_detects_the_language():
    assert spoken_language("openai")("auto") == ""
    assert spoken_language("local")("de") == "de"
    with pytest.raises(ValueError, match="AI_LANGUAGE"):
        spoken_language("local")("auto")


@pytest.mark.parametrize(
    ("variables", "command", "chosen"),
    [
        ({}, ["manage.py", "migrate"], "local"),
        ({"DEBUG": "true"}, ["manage.py", "up"], "local"),
        ({}, ["manage.py", "qcluster"], None),
        ({"SECRET_KEY": "x"}, ["manage.py", "up"], None),
        ({"DEBUG": "false"}, ["manage.py", "up"], None),
        ({"PROFILE": "production"}, ["manage.py", "up"], "production"),
    ],
)
def test_commands_are_local_only_where_nothing_is_configured(
    tmp_path, monkeypatch, variables, command, chosen
):
    for name in ("PROFILE", "SECRET_KEY", "ALLOWED_HOSTS", "DEBUG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    choose_profile(tmp_path / ".env", command)

    assert os.environ.get("PROFILE") == chosen


def start(*command, **variables):
    """Run Python as in a shell where nothing is configured."""
    own = ("PROFILE", "DJANGO_SETTINGS_MODULE")  # of the tests themselves
    environment = {name: value for name, value in os.environ.items() if name not in own}
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    "command",
    [["manage.py", "qcluster"], ["-m", "uvicorn", "callcenter.asgi:application", "--port", "1"]],
)
def test_a_service_without_configuration_refuses_to_start_and_says_what_to_set(command):
    ended = start(*command)

    assert ended.returncode == 2
    assert [line.partition(" is ")[0] for line in ended.stderr.splitlines()] == [
        "SECRET_KEY",
        "ALLOWED_HOSTS",
    ]


def test_production_refuses_an_open_api_any_host_and_debug_pages():
    ended = start(
        *("manage.py", "check"),
        PROFILE="production",
        SECRET_KEY="x",
        ALLOWED_HOSTS="*",
        API_AUTH="open",
        DEBUG="true",
    )

    assert ended.returncode == 2
    for name in ("DEBUG", "ALLOWED_HOSTS", "API_AUTH"):
        assert f"\n{name} " in f"\n{ended.stderr}"
    assert "Traceback" not in ended.stderr


def test_an_unreachable_database_is_named_in_one_line():
    ended = start("manage.py", "shell", "-c", AWAY, DATABASE_URL="postgres://u:p@127.0.0.1:1/x")

    [line] = ended.stderr.splitlines()
    assert ended.returncode == 1
    assert line.startswith("The database at 127.0.0.1:1 cannot be reached (see DATABASE_URL): ")


AWAY = "from django.db import OperationalError; raise OperationalError"  # a pool waits for 10 s


def test_every_setting_is_in_the_example_and_on_the_page():
    text = EXAMPLE.read_text()

    assert {row.name for row in rows(text)} == set(site.catalogue)
    assert PAGE.read_text() == page(text, site.catalogue), "run python -m callcenter.settings_page"


def test_compose_passes_every_setting():
    text = (ROOT / "compose.yaml").read_text()
    part = text[text.index("  environment:") : text.index("\nservices:")]
    passed = {line.split(":")[0].strip() for line in part.splitlines() if line.startswith("    ")}

    assert set(site.catalogue) - passed == {"DEBUG"}
