"""Bulk actions: the confirmation page and the progress page.

read_model  Which calls are selected, what an action will do to them, and how far it is.
views       The views that ask, start, show and stop an action.
"""
