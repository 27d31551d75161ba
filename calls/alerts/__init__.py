"""Alerts: what rules look for, how calls are watched, and every write of an alert.

kinds/        The kinds of rules, one module each, and their registry.
conditions    Matches of a rule as a whole, with the conditions that must hold as well.
definition    Checks the definition of a rule, for forms, the API and commands.
endings       Resolves alerts whose condition has ended in a live call, or with a new result.
from_search   Turns a search into the fields of a rule.
handling      Takes, assigns, snoozes and reopens alerts.
heard         What was heard of a live call, as rules see it.
live_matches  Checks what was heard of live calls against the rules.
live_tail     Reads the words of live calls, without missing any.
matches       What a rule found on a call, before it is raised as an alert.
packet_words  Words and phrases in packets of live calls.
phrases       Compiles phrases, finds them in text, and cuts quotes.
quiet         Quiet hours of rules.
results       Checks calls when they end, are archived or fail, from the event log.
rules         The enabled rules, prepared for use.
services      Raises and acknowledges alerts.
sweep         Checks live calls, in SQL.
tail          Reads new packets that carry words, without missing any.
trial         Tries a rule on past calls. Writes nothing.
watcher       The process that watches calls for alerts and delivers messages.
watches       Leases and positions of the watches, in the database.
"""
