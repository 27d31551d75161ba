"""Benchmarks, each with its own servers and database. A development app: not in the image.

analysis/  Measures the analysis of a thousand calls that end at once.
feed/      Measures the supervisor feed.
ingest/    Measures every way to send packets.
pages/     Measures the pages in a browser.
restarts/  Measures what rolling restarts lose.
rig/       What the benchmarks share: servers, workers, databases, load, and reports.
search/    Measures search in a large archive.
speech/    Measures transcription: accuracy, speed, and its effect on ingest.
"""
