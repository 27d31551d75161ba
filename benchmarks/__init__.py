"""Benchmarks, each on servers and a database of its own. A development app: not in the image.

analysis/  Measures the analysis of ended calls.
feed/      Measures the supervisor feed.
ingest/    Measures every way to send packets.
pages/     Measures the pages in a browser.
rig/       What the benchmarks share: servers, workers, databases, load, and reports.
search/    Measures searching in a large archive.
speech/    Measures transcription: accuracy, speed, and how much it disturbs ingest.
"""
