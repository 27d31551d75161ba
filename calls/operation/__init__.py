"""What processes need to be run well: how they stop, and how they share a database.

direct    Connections past a pooler.
draining  Whether this web process has been told to stop.
online    Operations of migrations that leave a busy database usable.
server    The web server: Uvicorn, with patience.
"""
