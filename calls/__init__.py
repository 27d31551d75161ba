"""The domain: calls, their packets, their analysis, and everything that reads or acts on them.

lifecycle     Every state of a call and every transition
services      Writes to a call outside ingest and analysis, one transaction each
resolution    Resolves alerts whose condition ends with the state of their call
events/       The event log: typed events, appended in the transaction that makes them true
actions       The catalogue of actions on a call, read by pages, bulk, admin, API and commands
description   The described fields of a call: who calls whom, and how the audio is encoded
annotations   Tags and notes
bulk          Actions on many calls in the background
listening     Who listens to live calls: sessions, their leases, and the use of the action link
keys          API keys: create, revoke and check
displays      Displays of the wall screen: create, revoke and check
conversation  Turns, spans and results that the analysis passes on
clock         The time of the database
outage        Errors of the database, and one warning for a whole outage
tasks         The background jobs
waking        Wakes the worker once for each transaction or batch
process       Ends child processes together with their parent
asgi          Types of an ASGI application

models/ ingest/ analysis/ worker/ redaction/ search/ reports/ alerts/ webhooks/ notifications/
exports/ retention/ monitoring/ simulation/ formats/ api/ admin/ dashboard/ and management/ have
maps of their own.
"""
