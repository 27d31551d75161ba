"""The wallboard.

history     The last half hour of the site, minute by minute, for the chart of the wallboard.
read_model  The read model of the wallboard: its rows, and what its filter and headings offer.
views       The pages and fragments of the wallboard.
"""
