"""The audit log: who did what and who looked at what, in entries that nobody can change.

actors      Who acts: a person, a key, a command, this system
record      Writes entries, in the transaction of what they are about
logins      Logins, logouts and failed logins
middleware  Remembers the request, so that entries name who sent it
pseudonyms  Keyed digests of ids and numbers, which stay after an erasure
chain       Seals entries, and finds those that were altered or removed
cutting     Removes entries that are older than AUDIT_RETENTION
"""
