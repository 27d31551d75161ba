"""The alerts page.

read_model  The alerts that match a filter, newest first.
views       The list of alerts, and acknowledging one, several or all that match.
"""
