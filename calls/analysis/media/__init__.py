"""From packets to audio and turns.

assembly      What was said in a call, from its stored packets: audio on one time line
channels      From the tracks of all streams to one channel for each speaker, on one time line.
decoding      The media types that a packet may carry, and how their bytes become samples.
expected      How much of a call was received
g711          G.711: the 256 values of mu-law and of A-law as 16-bit linear samples
packets       Stored packets as the analysis reads them: their order
plausibility  Whether received bytes sound like what they are said to be: wrong formats, headers
resampling    Change of sample rate with a windowed sinc, in numpy alone.
roles         Agent and customer exchanged: in what was received, in results
textcall      Calls that arrive as words instead of audio: who said what, and when.
timeline      Where the packets of one track stand in time: which silences go between them.
tracks        One track of a stream: its packets decoded, laid on its own time line and rendered.
"""
