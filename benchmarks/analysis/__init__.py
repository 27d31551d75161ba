"""Measures the analysis of ended calls.

ended_calls  Creates calls that all end at once, and checks how their analysis ended.
run          Runs the benchmark: ends the calls, watches the worker, and checks the bars.
schedule     Computes the ideal schedule: the time if only the AI took any.
"""
