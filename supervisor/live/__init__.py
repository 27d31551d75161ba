"""The supervisor feed: from the event log to the sockets.

batch         Events as they are sent: put into bytes once, for everybody who is told.
consumers     The supervisor's socket. Its protocol is described in docs/feed.md.
event_stream  The event log as server-sent events, for programs and proxies without WebSockets.
feed          Tails the event log and pushes it to this process's audience
follower      One who follows the event log, over whatever it is: in order, each event once
layer         Channels' layer within one process, for many sockets that are all told the same.
log_watch     Waits until the event log has grown: PostgreSQL says so, SQLite is asked.
origin        Refuses WebSockets that a page of another site opened in a supervisor's browser.
pace          Packets per second, from the counters of live calls as the feed samples them.
position      Where a client stands in the event log, and the snapshot it starts from.
rights        Whether whoever opened a socket may still listen: logins end
"""
