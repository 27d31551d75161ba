"""Offers more than the machine carries, on every way in, and checks what becomes of it.

client   The client process, which offers packets at a rate and reports the answers.
run      The steps of a run: find the capacity, offer parts and multiples of it, wait for calm.
senders  Connections that send at a rate, whatever the server says.
"""
