"""Webhooks: messages about events, signed, sent, and tried again.

Notifications share the outbox, the courier, the retries and the check of addresses.

addresses  Refuses private addresses, unless the site allows them.
courier    Sends due messages of an outbox concurrently, in the worker.
endpoints  Checks and saves endpoints, for the admin and the API.
messages   Which events an endpoint gets, and the bodies of the messages.
outbox     Messages as rows: claimed, recorded and tried again, for every kind of receiver.
retry      Decides what follows an attempt. Pure.
sender     Posts one message.
services   All writes: events become rows, secrets are rotated, and the outbox of webhooks.
signature  Signs messages (Standard Webhooks).
"""
