"""Measures searching in a large archive.

archive  An archive to search: many analysed calls of made-up talk
run      One run of the search: fills a database of its own with an archive, and queries it.
"""
