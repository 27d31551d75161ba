"""Template tags and filters.

alerts  The number of open alerts, for the navigation.
look    How values look: times, durations, numbers, marks and lengths of bars.
"""
