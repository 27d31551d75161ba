"""Rolling restarts of several web and worker processes behind nginx, under load.

callers  Calls over a proxy: packets at a rate, native sockets, and calls that end.
client   The client process, which runs the callers and reports what they were told.
run      The steps: find the capacity, load a part of it, restart everything in turn, count.
"""
