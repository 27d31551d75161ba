"""Measures the analysis of ended calls.

ended_calls  The calls of an analysis run: many that end in one moment, and what became of them.
run          One run of the analysis: a thousand calls end at once
schedule     The ideal schedule: what the same draws would take if nothing but the AI took any time.
"""
