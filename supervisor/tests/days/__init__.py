"""The days of people at work, page by page."""
