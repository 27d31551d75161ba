"""Reading the text of a chat completion, in every shape in which servers send it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx

from calls.analysis.providers import ProviderError
from calls.analysis.providers.openai import errors

REASONING = {"thinking", "reasoning", "redacted_thinking"}


def read_choice(response: httpx.Response) -> tuple[str, str]:
    """Return text and finish reason of a completion. Raises ProviderError if there is none."""
    body = errors.json_body(response)
    try:
        choice = body["choices"][0]
        message, reason = choice["message"], choice.get("finish_reason") or "stop"
        text, refusal = _text_of(message), message.get("refusal")
    except (TypeError, KeyError, IndexError, AttributeError) as error:
        raise errors.invalid_answer("there is no completion in it", response) from error
    if refusal or reason == "content_filter":
        words = errors.first_line(str(refusal or "content filter"))
        raise _failure(f"The model refused: {words}", response, code="refused")
    if reason == "error":
        words = errors.first_line(text) or "the server does not say why"
        raise _failure(f"The model failed: {words}", response, code="model_error", transient=True)
    return text, str(reason)


def _failure(
    message: str, response: httpx.Response, *, code: str, transient: bool = False
) -> ProviderError:
    return ProviderError(
        errors.with_request_id(message, response),
        code=code,
        transient=transient,
        request_id=errors.request_id(response),
    )


def _text_of(message: Mapping[str, Any]) -> str:
    """Return the response: the content, or what stands in its place if that is empty.

    Some servers put the response into a tool call that nobody asked for, or leave it in the
    reasoning.
    """
    places = (
        _content(message.get("content")),
        " ".join(_arguments(message)),
        _content(message.get("reasoning_content") or message.get("reasoning")),
    )
    return next((text for text in places if text.strip()), "")


def _content(content: Any) -> str:
    """Return the text of content that is text, an object, or a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        return _part(content) or json.dumps(content)
    if isinstance(content, Sequence):
        return "".join(map(_part, content))
    return ""


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping) or part.get("type") in REASONING:
        return ""
    text = part.get("text")
    if isinstance(text, Mapping):  # as in OpenAI's assistants
        text = text.get("value")
    return text if isinstance(text, str) else ""


def _arguments(message: Mapping[str, Any]) -> Iterator[str]:
    calls = message.get("tool_calls")
    named = [call.get("function") for call in calls or () if isinstance(call, Mapping)]
    for function in [*named, message.get("function_call")]:
        if isinstance(function, Mapping):
            given = function.get("arguments")
            yield given if isinstance(given, str) else json.dumps(given)
