"""The embedded provider: everything runs in this process, offline.

budget           Limits the processor time and memory of a stage
keywords         Finds the keywords of a call
prose            The text of a summary: prose, or quotes
provider         The provider itself: runs the models in threads
reported         Rewrites what was said into the third person
sentences        Splits text into sentences and computes their embeddings
languages        Tells which turns the models can judge
sentiment        Scores sentiment by sentence embeddings, VADER, or a word list
speech           Transcribes each channel with Whisper
speechmodel      Finds, verifies and loads the Whisper model
summary          Picks sentences that summarise a call
telling_words    Words that make a sentence a likely part of a summary
train_sentiment  Trains the sentiment weights
understanding    Combines sentiment, summary and keywords
verbs            English verbs and their forms
"""
