"""Agents and teams. Who sees which calls is decided by ``calls.visibility``.

agents     Finds, renames and merges agents, and gives calls the right name.
csv_lines  Reads the lines of a CSV file of agents.
importing  Imports agents and their teams from CSV.
"""
