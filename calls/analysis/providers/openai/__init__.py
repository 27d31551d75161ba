"""The provider for any server that speaks the OpenAI API.

audio          A channel as files that a transcription server takes: small enough
chat           What a language model is asked about a call, and what of its answer is believed.
errors         What went wrong at an OpenAI-compatible server: any answer or lack of one as a
loudness       Where there is sound in a channel, by its energy alone: no model
provider       A provider for any OpenAI-compatible server: what is asked, in which order
transcription  From a server's account of one piece of audio to turns: every shape that servers
"""
