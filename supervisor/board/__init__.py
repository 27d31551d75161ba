"""The wallboard.

history     The samples of the last half hour, for the charts.
read_model  The rows of a page, and its tabs and column headings.
views       The page, the fragments that keep it up to date, and the CSV download.
"""
