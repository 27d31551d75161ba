"""Measures the pages in a browser.

busy_site  A busy site for the wallboard: thousands of live calls, an archive
long_call  A synthetic call of an hour, complete with packets, recording, words, gaps and findings.
memory     How the memory of a process develops over a run.
opening    Opens a page in Chromium and tells when it was there, by the browser's own clock.
outages    The web process is killed again and again, and everybody ends up knowing the same.
sameness   Whether a wallboard that was followed live shows what a fresh page shows.
wallboard  Opens the wallboard in Chromium, and tells how hard the browser works while it changes.
"""
