"""The API: HTTP under /v1, and the WebSockets that receive packets.

addresses       Reads addresses as they were sent: encoded slashes, and a slash at the end.
authentication  Who sends a request, and what they may do.
docs            Descriptions for /docs and /schema, by subject.
downloads       Responses that are files: recordings, transcripts, CSV tables.
errors          Translates the domain's exceptions into HTTP responses.
event_stream    Checks requests for the stream of events; ``supervisor.live`` sends it.
filters         Filters for the lists of calls and alerts.
goodbye         Closes connections to clients when the process is told to stop.
limits          Refuses bodies that are too large while they arrive.
pagination      Pages of long lists, by position and without counting.
parameters      Reads query parameters strictly.
parsers         Reads request bodies: JSON and NDJSON.
ranges          Serves files whole or in part, and streams tables.
routing         WebSocket routes.
serializers     What the API reads and writes, by subject.
sockets         The native WebSocket for packets.
stopping        Whether this server has been asked to stop.
throttling      Limits how often a key may be used.
urls            HTTP routes under /v1.
views           The views, by subject.
waiting         Holds requests for a transcript until there is one.
"""
