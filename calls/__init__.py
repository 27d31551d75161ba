"""The domain: calls, their packets, their analysis, and everything that reads or acts on them.

lifecycle     Every state of a call and every transition
services      Writes to a call outside ingest and analysis, one transaction each
resolution    Resolves alerts whose condition ends with the state of their call
events/       The event log: typed events, appended in the transaction that makes them true
actions/      What can be done to a call, and to many calls in the background
description   The described fields of a call, and the values of custom fields
visibility/   Who sees which calls
groups        The groups of people that a site starts with
annotations   Tags and notes
deletion      Deletes a call with everything about it
holds/        Legal holds: calls that must not be deleted
listening     Who listens to live calls: sessions, their leases, and the use of the action link
keys/         API keys: create, change, rotate, revoke and check
displays      Displays of the wall screen: create, revoke and check
conversation  Turns, spans and results that the analysis passes on
clock         The time of the database
proxies       Who sent a request: what trusted proxies say of its client, scheme and host
outage        Errors of the database, and one warning for a whole outage
tasks         The background jobs
waking        Wakes the worker once for each transaction or batch
process       Ends child processes together with their parent
asgi          Types of an ASGI application

models/ audit/ ingest/ analysis/ worker/ operation/ backups/ redaction/ search/ reports/ alerts/
webhooks/ notifications/ people/ exports/ retention/ erasure/ monitoring/ simulation/ formats/
keys/ api/ admin/ dashboard/ and management/ have maps of their own.
"""
