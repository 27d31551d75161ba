"""The search page.

over_time   How many calls a search finds over time, as bars of a chart.
read_model  The query in the address, its problems, and the calls that it finds.
views       The search page.
"""
