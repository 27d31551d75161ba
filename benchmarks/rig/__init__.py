"""The rig that benchmarks and tests share. It imports no other folder of the benchmarks.

bare       A minimal ASGI application, as the reference for the speed of ingest.
databases  Makes and drops a database for one run, and reads it without Django.
load       The order to a client process, and its report; both travel as JSON.
packages   Checks that the packages of requirements-dev.txt are there before a benchmark starts.
phones     The calls of the clients: packets of 20 ms of mu-law audio, in order.
postgres   Starts a PostgreSQL server for the time of one command.
report     Results of a run, and the bars they must meet, as a table and as JSON.
rows       Writes rows to the database of a run: an API key, a bulk insert, a full table.
servers    Starts web servers of this checkout, each a process that ends with its parent.
services   Runs a group of web and worker processes on one database: the rig of tests.
sites      Gives a run its own folder, its own database, and settings for its processes.
waiting    Waits for a condition, finds a free port, and talks JSON over HTTP to a server.
workers    Starts a worker as in production, kills it, and measures its memory.
"""
