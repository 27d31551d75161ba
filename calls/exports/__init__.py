"""Calls in the formats of others: one module for each. All read what ``results`` has found."""
