"""The search page.

read_model  The read model of the search page: its address, what was not understood in it
views       The page to search what was said.
"""
