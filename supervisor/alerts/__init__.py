"""The alerts page.

read_model  The read model of the alerts page: what was raised, newest first
views       The pages of alerts: the list, and acknowledging one, some or all that a filter leaves.
"""
