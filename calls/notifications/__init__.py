"""Notifications: alerts as messages to people, by e-mail and in chats.

Programs get webhooks, which are signed. Both share the outbox, the courier and the retries.

addresses  Refuses addresses that cannot work or are private.
mail       Sends one message by e-mail.
chat       Posts one message to a chat or another service, by Apprise.
sender     Sends one message to a target, whatever its kind.
services   Queues alerts, puts many into one digest, and the outbox of the deliveries.
targets    Checks and saves targets, for the admin and the API.
text       What a message says.
"""
