"""From packets to audio and turns.

assembly      The entry point: assembles a call from its stored packets
audibility    Trouble that shows once speech was looked for: silence, level and loss
channels      Mixes the tracks of all streams into one channel per speaker
clocks        Makes the stamps of a track usable: unknown, wild and set-back ones
crowding      Limits the cost of many streams and tracks
decoding      From bytes to 16-bit samples
expected      Compares the received audio with the length of the call
g711          The G.711 tables: mu-law and A-law as 16-bit samples
packets       Stored packets: their order, their format, and who speaks in them
plausibility  Notes about wrong formats, file headers and clipping
rates         Compares the declared sample rate with clock and sound
resampling    Changes the sample rate
roles         Swaps agent and customer
runs          Joins the numberings of a stream, in spoken order
stamps        Reads time stamps: their unit, and places packets of text within limits
textcall      Text calls: packets of text, turned into turns
timeline      Places the packets of a track in time
tracks        Decodes a track and renders it with its silences
troubles      Trouble with the sound in words, and as it is stored
"""
