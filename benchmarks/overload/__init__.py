"""Offers more than the machine sustains, to every interface, and checks what happens.

client   The client process, which offers packets at a rate and reports the responses.
run      The steps of a run: find the capacity, offer parts and multiples of it, wait for calm.
senders  Connections that send at a rate, whatever the server says.
"""
