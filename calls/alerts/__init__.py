"""Alerts: what rules look for, how calls are watched, and every write of an alert.

kinds/       The kinds of rules, one module each, and their registry.
live/        What rules see of live calls.
conditions   Matches of a rule as a whole, with the conditions that must hold as well.
definition   Checks the definition of a rule, for forms, the API and commands.
endings      Resolves alerts whose condition has ended in a live call, or with a new result.
from_search  Turns a search into the fields of a rule.
handling     Takes, assigns, snoozes and reopens alerts.
matches      What a rule found on a call, before it is raised as an alert.
phrases      Compiles phrases, finds them in text, and cuts quotes.
quiet        Quiet hours of rules.
results      Checks calls when they end, are archived or fail, from the event log.
rules        The enabled rules, prepared for use.
services     Raises and acknowledges alerts.
trial        Tries a rule on past calls. Writes nothing.
watcher      The process that watches calls for alerts and delivers messages.
watches      Leases and positions of the watches, in the database.
"""
