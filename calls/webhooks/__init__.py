"""Webhooks: messages about events, signed, sent, and tried again.

addresses  Refuses private addresses, unless the site allows them.
courier    Sends due messages concurrently, in the worker.
messages   Which events an endpoint gets, and the bodies of the messages.
retry      Decides what follows an attempt. Pure.
sender     Posts one message.
services   All writes: queue, claim, record, rotate, redeliver, prune.
signature  Signs messages (Standard Webhooks).
"""
