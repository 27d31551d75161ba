"""The embedded provider: everything runs in this process, offline.

keywords         Keywords of a call, and which words carry content at all.
provider         The embedded provider: everything on this machine, in threads, without a network.
sentences        Sentences: where they end
sentiment        The mood of what somebody said: by sentence embeddings, VADER, or a word list.
speech           Offline speech recognition: the words of each channel of a call
speechmodel      The Whisper model of this process: found, verified and loaded once, on first use.
summary          What a call was about, in its own sentences. Nothing is invented.
train_sentiment  Trains the sentiment weights: ``python -m calls.analysis.train_sentiment``.
understanding    Mood, summary and keywords of a conversation
"""
