"""Measures transcription: accuracy, speed, and how much it disturbs ingest.

accuracy         How far the analysis of a recorded call is from the truth
judged_scripts   The written scripts, read as they are or heard from a synthesiser
paced            A client that sends single packets by the clock: `python -m
recorded_calls   The recorded calls as rows: `python -m benchmarks.speech.recorded_calls TASK
spoken_calls     The recorded calls on their way from packets to results, as one JSON line.
synthetic_voice  The scripts spoken by a speech synthesiser that happens to be installed
text_scripts     Calls written for the benchmark, as text: what was said
transcription    One run of local speech recognition
wording          Words made comparable: as somebody wrote them down
"""
