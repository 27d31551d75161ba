"""Erasure: removes everything of a customer or of given calls, and keeps a ledger of it.

services  Starts an erasure, and carries it out step by step
plan      Which calls an erasure concerns, and what keeps some of them
traces    Removes data about a call that is not deleted with it
ledger    The file that records erasures; a restore does not change it
again     Finds what a restore has brought back, and erases it again
"""
