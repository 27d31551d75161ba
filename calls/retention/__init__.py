"""Removes what need not be kept any longer.

history    What the analysis leaves behind and nobody needs for ever: attempts, and records of jobs.
old_calls  What is removed when it is old: packets once their content is kept elsewhere, calls
"""
