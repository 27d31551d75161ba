"""Measures every way to send packets.

carriers     Streams calls as a carrier does: one socket for each call, two tracks.
client       The client process, which sends packets and reports what it measured.
connections  Lightweight HTTP and WebSocket connections that send packets.
probe        Measures when audio is visible in the database, and the server's memory.
run          Runs the benchmark: each path in turn, with a fresh server, on one database.
"""
