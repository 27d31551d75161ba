"""The status of the analysis, for the schema: the view writes the document itself."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class PauseSerializer(serializers.Serializer[Any]):
    """Since when the analysis is paused, by whom, and why."""

    since = serializers.DateTimeField()
    by = serializers.CharField()
    reason = serializers.CharField()


class OutageSerializer(serializers.Serializer[Any]):
    """A provider that is down."""

    provider = serializers.CharField()
    stage = serializers.CharField()
    since = serializers.DateTimeField()
    probe_at = serializers.DateTimeField(allow_null=True, help_text="When it is tried again.")
    error = serializers.CharField()
    waiting = serializers.IntegerField(help_text="Calls that wait for it.")


class StageLoadSerializer(serializers.Serializer[Any]):
    """The calls that wait for one stage."""

    stage = serializers.CharField()
    ready = serializers.IntegerField()
    retrying = serializers.IntegerField()
    running = serializers.IntegerField()
    oldest_s = serializers.FloatField(help_text="Age of the oldest call that waits.")


class AnalysisStatusSerializer(serializers.Serializer[Any]):
    """Whether the analysis runs, and what waits for it."""

    paused = PauseSerializer(allow_null=True, help_text="Null: not paused.")
    outages = OutageSerializer(many=True)
    workers = serializers.IntegerField(help_text="Workers that are alive.")
    worker_silent_s = serializers.FloatField(
        allow_null=True, help_text="Time since the last heartbeat of a worker. Null: never."
    )
    stages = StageLoadSerializer(many=True)
