"""How processes stop, and how they share a database.

claims     Files that say which work has begun, and whether the process that does it is alive.
direct     Connections past a pooler.
disk       Puts on disk what must survive a power cut.
draining   Whether this web process has been told to stop.
garbage    What garbage collections leave out.
http       Uvicorn's HTTP protocol, with one write for a response.
lock_waits How long a transaction waits for the locks of others.
locks      Locks between all processes of a site, for work that takes minutes.
migrating  Records a migration in the transaction that applies it.
online     Operations of migrations that leave a busy database usable.
server     The web server: Uvicorn, with patience.
"""
