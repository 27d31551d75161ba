"""Bulk actions: the confirmation, the list of actions, and the progress of one.

criteria    The filter that selected the calls, in words.
kinds       The bulk actions that a person may start.
read_model  The selected calls, the question before an action, and its progress.
views       Ask before an action; start, list, show and stop actions.
"""
