"""Backups of a site: its database and its files, taken while it runs.

dumps      Writes and reads a copy of the database: pg_dump, or SQLite's online backup.
making     Makes a backup.
manifest   What a backup says about itself; it is written last, so a folder with one is complete.
media      Copies files together with their digests, and checks them.
restoring  Restores a backup. It may be killed at any point, and repeated.
"""
