"""Measures the pages in a browser.

busy_site  Fills a site with thousands of live calls and an archive, and keeps changing it.
long_call  Stores a synthetic one-hour call with packets, recording, transcript and findings.
opening    Opens the call page in Chromium, and measures how long it takes.
sameness   Compares a live wallboard with a freshly opened one.
wallboard  Opens the wallboard in Chromium, and measures the browser's load while it changes.
"""
