"""What rules see of live calls.

heard         What was transcribed of a live call, as rules see it.
matches       Checks what was transcribed of live calls against the rules.
packet_words  Words and phrases in packets of live calls.
packets       Reads new packets that carry words, without missing any.
sweep         Checks live calls, in SQL.
utterances    Reads the words of live calls, without missing any.
"""
