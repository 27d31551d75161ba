"""Search over transcripts, results and notes of calls.

backlog   Makes missing index entries in small steps
dialects  Translates a query for PostgreSQL and SQLite
find      Finds calls, newest first, page by page
hits      Finds the matching turns and texts within a call, with excerpts
index     Writes the index entry of a call
query     Parses what a person typed into a tree
scope     Maps speaker and place to the sides of a call to search
words     Splits text into normalised words
"""
