"""The wall screen: large figures of the floor, read from across the room.

access     Who may see it: people who are logged in, and displays by their cookie.
calls      The rows of live calls: those with alerts, and the longest.
consumers  The WebSocket of a wall screen. docs/wall.md describes its protocol.
floor      What happens on the floor now, by queue, in a constant number of queries.
levels     Which figures are amber or red.
options    What a screen shows: its pages, queues and seconds.
read_model Everything a screen shows at one moment.
reader     Reads the floor once a second for all screens of this process.
release    Tells whether a page was made by the code that runs now.
views      The page, for people and for displays, and the address that signs a display in.
"""
