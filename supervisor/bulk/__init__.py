"""Bulk actions: the confirmation page and the progress page.

read_model  The read model of bulk actions: which calls are meant, what will happen
views       Doing one thing to many calls: what is meant, whether that is right
"""
