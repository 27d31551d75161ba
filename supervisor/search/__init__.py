"""The search page.

read_model  The query in the address, its problems, and the calls that it finds.
views       The search page.
"""
