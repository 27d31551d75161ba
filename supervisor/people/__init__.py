"""Agents and queues: who is talking now, and the figures of today and of earlier days.

lists      The lists of agents and of queues: filter, order and pages.
one        The page of one agent or queue over a range of days.
site       The page of all calls over a range of days.
ranges     The range of days in the address of a page.
trends     How figures of a range compare with those of the range before.
views      The lists, and the page of one agent or queue.
"""
