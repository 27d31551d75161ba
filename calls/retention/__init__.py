"""Retention: removes data that is older than the settings allow.

history    Removes old attempts and records of jobs.
old_calls  Removes old packets, old calls and stray files.
"""
