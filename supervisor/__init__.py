"""The supervisor pages, cut by page, and the live feed behind them.

access     Who may open a page
phases     The phases of a call as pages name them
selection  Filters and order of the list of calls, as the address spells them
figures    The figures above the wallboard
protocol   The WebSocket protocol of the web server, with bounded buffers
routing    The address of the feed
urls       The addresses of the pages

board/ call/ alerts/ search/ and bulk/ are pages; live/ is the feed.
"""
