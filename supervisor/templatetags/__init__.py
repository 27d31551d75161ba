"""Template tags and filters.

admin_site The names and groups of models in the admin, and links to it.
alerts     The number of open alerts for the navigation, and the age of one.
listening  Listening in, on the call page.
look       How values look: times, durations, numbers, marks and lengths of bars.
people     Agents and queues: addresses, days and shares.
saved      Saved views, on the pages that have them.
transcript The turns of a transcript as HTML.
wall       How values look on the wall screen.
"""
