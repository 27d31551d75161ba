"""Many listeners on one web process: how far behind, how steady, and at what cost.

ears.js  The listeners, in a browser: real sockets and the page's own jitter buffer.
run      One run: two web processes, the carriers, the listeners, and what they report.
speak    A process that streams calls as a carrier does, and loses some frames.
"""
