"""Serializers: what the API reads and writes, by subject.

alerts       Alerts, and the body that acknowledges one.
annotations  Tags, notes and swapped speakers.
calls        Calls, their streams and attempts, and the bodies of ``start`` and ``decode``.
events       Entries of the event log.
fields       Fields that accept exactly one JSON type, and the check of call ids.
packets      Packets as they are sent and as they are stored.
reports      The figures of reports.
search       Calls that a search found, and where the words are.
"""
