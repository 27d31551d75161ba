"""Descriptions for /docs and /schema, by subject. No behaviour.

alerts        Routes of alerts.
annotations   Routes of tags, notes and swapped speakers.
answers       Answers that many operations share, and the API key scheme.
calls         Routes of calls: start, end, retry, list, transcript, recording.
event_stream  The event log as server-sent events.
events        Routes of the event log.
packets       Routes that send and read packets.
reports       Routes of reports by agent, queue and day.
search        Search routes and the query syntax.
"""
