"""The wallboard.

history     The samples of the last half hour, for the charts.
read_model  The rows, tabs and column headings.
views       The page, and the fragments that keep it up to date.
"""
