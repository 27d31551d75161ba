"""The views of the API, by subject.

alerts       The routes of alerts below /v1: what rules have found
analysis     How the analysis stands
annotations  Tags and notes of a call over HTTP: read by anyone who may read
calls        The routes below /v1: each action translates and calls one service.
events       Read the event log by offset.
packets      Send packets; read the stored ones.
route        What all views of one call share: its address, and who may do what.
search       ``/v1/search``: calls by what was said in them, as pages of JSON or all of them as CSV.
"""
