"""The search page.

read_model  The question in the address, the problems with it, and the calls that it finds.
views       The search page.
"""
