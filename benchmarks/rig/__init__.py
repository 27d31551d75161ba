"""What the benchmarks share: servers, workers, databases, load, and reports.

databases  The database of one run: made before it, removed after it, looked at past Django.
load       What a client process is asked to do, and what it has to tell; both travel as JSON.
phones     What the clients say: calls that send 20 ms of mu-law audio a packet, in order
report     What a run has to say: results of the paths, the bars they are held against
rows       What a run does to its database by itself: a key, the bulk insert to compare with
servers    Web servers of this checkout on a free port, each a process that dies with its starter.
sites      What a run has to itself: a folder, a database, and the settings of its processes.
workers    A worker as production starts it, which can be killed with all its processes
"""
