"""The worker: its processes, how they stop, and what it does once a second.

cluster   The processes of the worker; restarts those that die
stopping  The stop flag and the runner slot, which all of its processes share
upkeep    Ends calls that their carriers have left, and listening sessions; analyses late words
"""
