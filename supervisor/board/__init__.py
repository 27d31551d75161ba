"""The wallboard.

columns     Its columns: which are shown, and how headings sort by them.
day_menu    The menu of days: what is chosen, and what it offers.
history     The samples of the last half hour, for the charts.
read_model  The rows of a page, and its tabs.
views       The page, the fragments that keep it up to date, and the CSV download.
"""
