"""Measures transcription: accuracy, speed, and its effect on ingest.

accuracy         Compares the analysis of a call with the truth.
judged_scripts   Compares written scripts, as text or as synthetic speech, with the truth.
paced            A client that sends single packets at a fixed rate.
recorded_calls   Stores the recorded calls in the database, and checks their outcome.
spoken_calls     Takes the recorded calls from packets to results, over a good or bad line.
synthetic_voice  Reads the scripts aloud with an installed speech synthesiser.
text_scripts     Reads the written scripts, and the personal data planted in them.
transcription    Runs the benchmark of local speech recognition.
wording          Normalises words for comparison.
"""
