"""Measures the ways in, each on servers and a database of its own: `manage.py bench_ingest`."""
