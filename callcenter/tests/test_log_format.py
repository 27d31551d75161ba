"""Log lines: their fields in JSON, and requests for unknown hosts."""

import json
import logging
import logging.config

import pytest
from django.db import DataError, OperationalError
from django.test import Client

from callcenter.configuration.log import logging_settings
from callcenter.log_format import (
    HOUR_S,
    MINUTE_S,
    HideTokens,
    JsonLines,
    QuietOutages,
    UnknownHosts,
)
from calls.monitoring.log_context import logging_with


def record(message, *args, exc_info=None):
    return logging.LogRecord(
        "calls.services", logging.WARNING, "services.py", 1, message, args, exc_info
    )


def written(message, *args, **more):
    return json.loads(JsonLines().format(record(message, *args, **more)))


def test_a_line_has_time_level_logger_and_message():
    line = written("%d jobs wait", 3)

    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "WARNING", "logger": "calls.services", "message": "3 jobs wait"}


@pytest.mark.parametrize(
    "message",
    ["call %s ended", "the alerts of call %s are not judged", "100 %% of call %s"],
)
def test_a_line_about_a_call_has_its_id(message):
    assert written(message, "pbx/7 é")["call_id"] == "pbx/7 é"


def test_the_call_id_is_found_after_other_values():
    line = written("no alerts from event %d of call %s", 8, "c-1")

    assert line["call_id"] == "c-1"


def test_a_line_has_the_fields_of_its_context():
    with logging_with(request_id="r-1"), logging_with(call_id="c-2"):
        inside = written("stored")
    outside = written("stored")

    assert (inside["request_id"], inside["call_id"]) == ("r-1", "c-2")
    assert "request_id" not in outside


def test_an_exception_stays_on_one_line():
    error = ValueError("first\nsecond")

    text = JsonLines().format(record("x", exc_info=(ValueError, error, None)))

    assert "\n" not in text
    assert "ValueError: first\nsecond" in json.loads(text)["exception"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_django_and_uvicorn_write_in_the_same_format(form):
    settings = logging_settings("INFO", form=form)

    logging.config.DictConfigurator(settings)  # checks it
    assert settings["handlers"]["stderr"]["formatter"] == form
    assert settings["loggers"]["uvicorn"]["handlers"] == ["stderr"]
    assert settings["loggers"]["uvicorn.error"] == {}  # keeps the level of the command line


def test_an_unknown_host_is_named_once_with_the_setting_and_without_a_traceback(client: Client):
    lines = Lines()
    logger = logging.getLogger("django.security.DisallowedHost")
    logger.addHandler(lines)
    try:
        answers = [client.get("/healthz", HTTP_HOST="new.example.com") for _ in range(3)]
    finally:
        logger.removeHandler(lines)

    assert {answer.status_code for answer in answers} == {400}
    [line] = lines.records
    assert line.levelname == "WARNING"
    assert "'new.example.com'" in line.getMessage()
    assert "ALLOWED_HOSTS" in line.getMessage()
    assert line.exc_info is None


def test_an_unknown_host_is_named_again_after_an_hour(monkeypatch):
    hosts, now = UnknownHosts(), [0.0]
    monkeypatch.setattr("callcenter.log_format.time.monotonic", lambda: now[0])

    def is_named():
        return hosts.filter(record("Invalid HTTP_HOST header: %r. You may...", "a.example"))

    assert (is_named(), is_named()) == (True, False)
    now[0] += HOUR_S
    assert is_named()


def test_invented_host_names_do_not_fill_the_log():
    hosts = UnknownHosts()

    named = [hosts.filter(record("Invalid HTTP_HOST header: %r.", f"{n}.a")) for n in range(5_000)]

    assert sum(named) == 100


def of_queue(error):
    """What django-q2 logs each time that its database does not answer."""
    return record("Failed to pull task from broker", exc_info=(type(error), error, None))


def test_the_queue_names_an_outage_of_the_database_once_a_minute_without_a_traceback(monkeypatch):
    quiet, now = QuietOutages(), [0.0]
    monkeypatch.setattr("callcenter.log_format.time.monotonic", lambda: now[0])
    lines = [of_queue(OperationalError("refused\nDETAIL: more")) for _ in range(600)]

    named = [line for line in lines if quiet.filter(line)]

    assert [line.getMessage() for line in named] == [
        "Failed to pull task from broker: the database is not available: refused"
    ]
    assert (named[0].levelname, named[0].exc_info) == ("WARNING", None)
    now[0] += MINUTE_S
    assert quiet.filter(of_queue(OperationalError("refused")))


@pytest.mark.parametrize("error", [DataError("bad"), ValueError("a bug")])
def test_the_queue_names_everything_else_as_it_is(error):
    quiet, lines = QuietOutages(), [of_queue(error), of_queue(error)]

    assert all(quiet.filter(line) for line in lines)
    assert all(line.exc_info for line in lines)
    assert QuietOutages().filter(record("3 jobs wait"))


class Lines(logging.Handler):
    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)


def test_the_token_of_a_password_reset_is_not_logged():
    line = record("GET %s 200", "/supervisor/login/reset/MQ/secret-token/")

    HideTokens().filter(line)

    assert line.getMessage() == "GET /supervisor/login/reset/…/ 200"
