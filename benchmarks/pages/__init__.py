"""Measures the pages in a browser.

busy_site  A busy site for the wallboard: thousands of live calls, an archive
long_call  A synthetic call of an hour, complete with packets, recording, words, gaps and findings.
opening    Opens a page in Chromium and tells when it was there, by the browser's own clock.
sameness   Whether a wallboard that was followed live shows what a fresh page shows.
wallboard  Opens the wallboard in Chromium, and tells how hard the browser works while it changes.
"""
