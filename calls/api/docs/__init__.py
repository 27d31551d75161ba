"""How the schema describes the API, by subject.

alerts        What /docs and /schema say about the routes of alerts. No behaviour.
annotations   What /docs and /schema say about tags, notes and swapped speakers. No behaviour.
answers       Answers that many operations share, and how the schema describes an API key.
calls         What /docs and /schema say about each route: examples and every error. No behaviour.
event_stream  What /docs and /schema say about the stream of events. No behaviour.
events        How the schema describes the event log.
packets       How the schema describes sending and reading packets.
search        What /docs and /schema say about searching. No behaviour.
"""
