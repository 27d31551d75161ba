"""The alerts page.

many        Acknowledging several alerts or all that match: the question, then the action.
read_model  The alerts that match the address, by call, and the tabs of their states.
selection   The filter in the address of the page.
snoozing    Until when an alert is snoozed.
trends      How many alerts each rule has raised, by day.
undo        Taking back what a user has just acknowledged.
views       The list of alerts, and what people do with one of them.
"""
