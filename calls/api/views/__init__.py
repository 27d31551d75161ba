"""The views under /v1, by subject. Each action translates and calls one service.

administration  What the routes of administration have in common.
alerts       List, read, acknowledge and export alerts.
analysis     Read the status of the analysis.
annotations  Read and write the tags and notes of a call.
bulk         Start, follow and stop actions on many calls.
calls        Start, end, retry, list and read calls, with transcript and recording.
erasures     Ask for an erasure, and see how far it is.
events       Read or follow the event log.
holds        Read, set and release the legal hold on a call.
keys         Create, list and revoke API keys.
packets      Send packets, and read the stored ones.
people       Agents and queues now and today.
receivers    Webhook endpoints and notification targets, with tests and deliveries.
reports      Reports by agent, queue and day.
route        Base class of all views: call ids, bodies, permissions.
rules        Define and try alert rules.
search       Search calls by what was said in them.
"""
