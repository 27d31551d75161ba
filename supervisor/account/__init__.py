"""The account of a person: their own settings, and how these apply to every page.

forms       The form of the settings.
middleware  Activates the preferences and the time zone of the person who asks.
views       The page of the settings.
"""
