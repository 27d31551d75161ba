"""Search over what was found in calls: words, the queries for them, the index, and its hits."""
