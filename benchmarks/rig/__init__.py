"""The rig that benchmarks and tests share. It imports no other folder of the benchmarks.

bare       A minimal ASGI application, as the reference for the speed of ingest.
databases  Makes and drops a database for one run, and reads it without Django.
load       The task of a client process, and its report, both as JSON.
nginx      Runs nginx as in production, in front of some web processes.
packages   Checks that the packages of requirements-dev.txt are installed.
phones     Generates the packets of a call: 20 ms of mu-law audio each, in order.
postgres   Runs a command with a temporary PostgreSQL server.
report     Shows the results of a run and their bars, as a table and as JSON.
rows       Writes rows to the database of a run: an API key, a bulk insert, a full table.
servers    Starts web servers of this checkout, which stop with their parent process.
services   Runs a group of web and worker processes on one database: the rig of tests.
sites      Gives a run its own folder, database and settings.
waiting    Waits for a condition, finds a free port, and talks JSON over HTTP to a server.
workers    Starts a worker as in production, kills it, and measures its memory.
"""
