"""Measures the transcription of live calls: `manage.py bench_live`.

callers     A client that streams recorded calls in real time, as a carrier does.
leaks       Looks for the personal data of spoken scripts wherever live words go.
page        Opens the pages of live calls in Chromium, and records when words appear.
records     Reads and writes the database of a run, in a process of its own.
run         Carries out the parts of the benchmark, and compares them with their bars.
subscriber  A client that records what the feed says about calls.
"""
