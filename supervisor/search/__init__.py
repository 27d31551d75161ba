"""The search page.

read_model  The query of the address, its errors, and the calls it finds.
views       The search page.
"""
