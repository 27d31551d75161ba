"""What each process counts about itself, and how all processes add up in ``/metrics``.

meters      Counters, histograms and gauges of one process
catalogue   Every meter, with its name and its help text
serving     Counts the responses and open sockets of a web process, and names its requests
request_ids  The id of a request, in its response and in the log
tracing      OpenTelemetry spans, if the site wants them
requests     The span of a request or of a handshake
publishing  Writes the meters of a process to the database, off the hot path
adding_up   Adds up all processes, and keeps the counts of those that are gone
"""
