"""Backups of a site: its database and its files, taken while it runs.

dumps     Writes and reads a copy of the database: pg_dump, or SQLite's online backup.
manifest  What a backup says about itself; it is written last, so a folder with one is complete.
work      Makes a backup and restores one.
"""
