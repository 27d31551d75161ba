"""What the API reads and writes, by subject.

alerts       Alerts as the API shows them: the words of the event log, and who has seen to them.
annotations  Tags, notes, and which side speaks on which track.
calls        The wire format: what comes in, checked strictly, and what goes out.
events       Entries of the event log.
fields       Fields that accept exactly one JSON type and name their limits.
packets      Packets as they are sent and as they are stored.
search       Calls that a search found, and the words that matched.
"""
