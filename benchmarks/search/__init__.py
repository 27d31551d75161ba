"""Measures searching in a large archive.

archive  An archive to search: many analysed calls of made-up talk
run      One run of the search: a database of its own is filled with an archive, and asked.
"""
