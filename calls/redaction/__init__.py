"""Removes personal data from what was said.

cues            Finds which personal data a sentence names or asks for
emails          Finds e-mail addresses, as written and as spoken
folding         Makes the plain copy of a text that all rules read
ibans           Finds IBANs, whole or in pieces
identifiers     Finds identifiers with letters, such as tax codes, and passwords
kinds           Lists the kinds of personal data
spoken_numbers  Reads numbers as people say them: tokens, and runs of digits
personal_data   Finds all personal data in one text
spoken_languages  Detects the languages of a conversation
redact          Redacts a conversation, turn by turn
shapes          Finds cards and IBANs in groups, whatever separates these
dates           Finds dates of birth and expiry dates
live            Decides what may be shown of a live call
history         Redacts a conversation that grows
unfinished      Finds words that may become personal when their speaker continues
"""
