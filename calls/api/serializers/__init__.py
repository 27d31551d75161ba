"""Serializers: what the API reads and writes, by subject.

alerts       Alerts, and the body that acknowledges one.
analysis     The status of the analysis, for the schema.
annotations  Tags, notes and swapped speakers.
bulk         Actions on many calls.
calls        Calls, their streams and attempts, and the bodies of ``start`` and ``decode``.
erasures     Erasures.
events       Entries of the event log.
fields       Fields that accept exactly one JSON type, and the check of call ids.
holds        Legal holds.
keys         API keys.
packets      Packets as they are sent and as they are stored.
receivers    Webhook endpoints, notification targets, and messages to them.
reports      The figures of reports.
rules        Alert rules, and what a trial found.
search       Calls that a search found, and where the words are.
transcripts  The shape of a transcript, for the schema.
"""
