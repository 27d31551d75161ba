"""The embedded provider: everything runs in this process, offline.

budget           Limits the processor time and memory of a stage
keywords         Finds the keywords of a call
provider         The provider itself: runs the models in threads
sentences        Splits text into sentences and computes their embeddings
languages        Tells which turns the models can judge
sentiment        Scores sentiment by sentence embeddings, VADER, or a word list
speech           Transcribes each channel with Whisper
speechmodel      Finds, verifies and loads the Whisper model
summary          Picks sentences that summarise a call
train_sentiment  Trains the sentiment weights
understanding    Combines sentiment, summary and keywords
"""
