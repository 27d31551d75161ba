"""The provider for any server that speaks the OpenAI API.

audio          Cuts a channel into files that a transcription server accepts
chat           Builds the request about a call, and checks the response
completion     Reads the text of a completion, whatever its shape
doubt          Finds words that were most likely invented
errors         Maps answers and failed connections to ProviderError
loudness       Finds sound in a channel by its energy
provider       The provider itself: which requests it sends, in which order
transcription  Reads the server's response about one piece of audio into turns
"""
