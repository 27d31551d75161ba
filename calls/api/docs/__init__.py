"""Descriptions for /docs and /schema, by subject. No behaviour.

alerts        Routes of alerts.
annotations   Routes of tags, notes and swapped speakers.
answers       Responses that many operations share, and the API key scheme.
bulk          Routes of actions on many calls.
calls         Routes of calls: start, end, retry, list, recording.
event_stream  The event log as server-sent events.
erasures      Routes of erasures.
events        Routes of the event log.
holds         Routes of legal holds.
keys          Routes of API keys.
packets       Routes that send and read packets.
people        Routes of agents and queues.
receivers     Routes of webhook endpoints and notification targets.
reports       Routes of reports by agent, queue and day.
rows          Routes of a list and its rows, for the subjects that have one.
rules         Routes of alert rules.
schema        Adds to each operation the scope that it needs.
search        Search routes and the query syntax.
transcripts   The route of transcripts.
"""
