"""The views under /v1, by subject. Each action translates and calls one service.

alerts       List, read, acknowledge and export alerts.
analysis     Read the status of the analysis.
annotations  Read and write the tags and notes of a call.
calls        Start, end, retry, list and read calls, with transcript and recording.
events       Read or follow the event log.
packets      Send packets, and read the stored ones.
reports      Reports by agent, queue and day.
route        Base class of all views: call ids, bodies, permissions.
search       Search calls by what was said in them.
"""
