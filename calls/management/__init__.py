"""Support for the management commands.

commands   The commands of ``manage.py``.
demo       The account for ``make run``.
keys       What the commands about API keys share.
selection  Options that select calls, shared by the commands that act on many calls.
"""
