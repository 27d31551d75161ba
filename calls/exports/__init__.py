"""Exports of calls, one format per module. Transcripts come from ``results``.

alert_table  Lists of alerts as CSV.
clean        Makes text safe for formats in which lines or control characters have a meaning.
contactlens  A transcript as an Amazon Contact Lens file.
found        Search results as CSV.
plaintext    A transcript as plain text.
report_table Reports by agent, queue and day as CSV.
table        Lists of calls as CSV, and the CSV writer for the other tables.
vcon         A call as a vCon.
webvtt       A transcript as WebVTT subtitles.
"""
