"""Support for the management commands.

commands   The commands of ``manage.py``.
demo       The account for ``make run``.
selection  Options that select calls, shared by the commands that act on many calls.
"""
