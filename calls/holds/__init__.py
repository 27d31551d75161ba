"""Legal holds: calls that must not be deleted.

customers  Who the customer of a call is, and which spellings are the same number
selection  Finds the calls on hold in the database
services   Sets, releases and checks holds
"""
