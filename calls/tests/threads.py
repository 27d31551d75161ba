"""Threads for tests of what happens at once."""

import threading

from django.db import connection


def start_thread(work):
    """Do the work in a thread, on a database connection of its own. Returns the thread."""

    def run():
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread
