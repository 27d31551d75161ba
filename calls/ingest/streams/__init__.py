"""What the write path decides about the packets of a stream.

crowding     Limits the streams of a call.
late_log     Warns of packets that come after the end of their call.
own_formats  Keeps the format of packets that differ from their stream.
runs         Tells the numberings of a stream apart, and duplicates from other packets.
"""
