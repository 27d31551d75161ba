"""The supervisor pages, cut by page, and the live feed behind them.

access     Who may open a page: the login, and the permission that each view needs.
apps       The Django app.
beside     The calls beside one in the list that its page came from.
days       Days in addresses: dates, and words such as today.
dates      How dates and times look, in the format that the reader chose.
figures    The figures above the wallboard, read from indexes.
lists      The list that a page came from: its address, and its name.
ordering   The orders of the wallboard, and how its pages follow.
pausing    Pauses and resumes the analysis.
phases     The phases of a call as pages name them, and the states that they cover.
preferences  The preferences of the person whose request is handled.
protocol   Uvicorn's WebSocket protocol, changed for many sockets and slow clients.
routing    The WebSocket addresses.
selection  The filter of the wallboard, read from and written to the address.
urls       The addresses of the pages.

account/                            The settings of a person, and how they apply to every page.
alerts/ board/ bulk/ call/ search/  One folder per page: its views and its read model.
people/                             Agents and queues: now, and by day.
listen/                             The sound of live calls, from the database to sockets.
live/                               The feed that keeps open pages up to date.
wall/                               The wall screen, read from across the room.
saved/                              Saved views: the filter and order of a page under a name.
templatetags/                       How templates show values.
"""
