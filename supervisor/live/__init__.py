"""The supervisor feed: from the event log to the sockets.

batch          Batches of events, serialised once for all clients.
consumers      The supervisor's WebSocket. docs/feed.md describes its protocol.
event_stream   The event log as server-sent events.
feed           Tails the event log and pushes it to all clients of this process.
follower       One client: sends it every event once and in order.
layer          A channel layer for one process that shares each message between sockets.
log_watch      Waits until the event log has grown.
origin         Refuses WebSockets opened by pages of other sites.
pace           Packets per second, from the sampled counters of live calls.
position       The position of a client in the event log, and its first snapshot.
reader         Reads the live transcripts that clients follow, and pushes what is new.
requests       The messages that a client may send.
rights         Checks whether a client may still listen.
sockets        The common part of the supervisor's sockets.
subscriptions  Which clients follow which live transcripts, and what each of them has.
transcripts    Reads live transcripts and writes the messages about them.
viewings       Records in the database which calls are open, so that they are transcribed first.
"""
