"""Listening in: the sound of live calls, from their packets in the database to sockets.

action_link  The site's link for whisper and barge-in: its template.
consumers    The WebSocket of one listener. docs/listening.md describes its protocol.
frames       The binary frames that carry the sound.
mixer        The channels of a call on one timeline: agent left, customer right.
packets      Reads which streams a call has, and their new packets.
reader       Reads and decodes each call once for all listeners of this process.
sound        The sound of one call, from packets to frames.
views        Follows the action link, after its use was logged.
"""
