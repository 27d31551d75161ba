"""Removes personal data from what was said.

cues           What the talk is about: which personal data a sentence names
emails         E-mail addresses, also as people say them and recognisers garble them.
ibans          International bank account numbers, whole or in pieces
kinds          The kinds of personal data that are removed.
numbers        Numbers as people say them and recognisers print them: tokens of a text and runs of
personal_data  What in one text is personal: cards, phones, e-mails, IBANs, ids, codes
redact         Takes personal data out of a conversation, before anything else reads
"""
