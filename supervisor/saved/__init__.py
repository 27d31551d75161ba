"""Saved views: the filter and order of a page, kept under a name.

read_model  The views that a page offers, and which of them is shown.
services    Save, change and delete a view.
views       The list of one's own views, and the forms that change them.
"""
