"""The alerts page.

read_model  The filter in the address, and the alerts that match it, newest first.
views       The list of alerts, and acknowledging one, several or all that match.
"""
