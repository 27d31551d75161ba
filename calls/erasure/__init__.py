"""Erasure: removes everything of a customer or of given calls, and keeps a ledger of it.

services  Starts an erasure, and carries it out step by step
plan      Which calls an erasure concerns, and what keeps some of them
traces    Removes what is about a call and not deleted with it
ledger    The file that says what was erased, which a restore does not bring back
again     Finds what a restore has brought back, and erases it again
"""
