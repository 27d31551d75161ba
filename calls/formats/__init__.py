"""The formats of data from outside, and of numbers. Nothing here knows about calls.

media_types  Media types of audio and text
base64_text  Base64 in every form that senders use
plain_text   Makes text from outside safe to store and to show
language     Finds out in which language a text is written
numbers      Scores and limits with a real minus sign
"""
