"""Template tags and filters.

look    Times, durations, percentages and pills
alerts  The number of open alerts, for the navigation
"""
