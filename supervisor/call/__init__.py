"""The page of a call.

actions     What a supervisor can do to a call: when it is offered, how it is asked, what then runs.
annotating  Tags and notes from the call page: each view calls one service
downloads   What of a call can be taken away as a file, and where it is.
highlight   The words of a search on the page of a call, which its address passes on: ``?q=refund``.
moment      The moment of a call that an address asks for: ``?t=83.2``, in seconds.
packet_map  The packet map: what came of each stream, sequence by sequence, in a few hundred cells.
read_model  The read model of the call page: everything that is known about one call.
strip       The call at a glance: who talks when, as coordinates on a strip of fixed width.
talk        Who talks how much of a call: the four shares of the talk-time bar, which fill it.
views       The pages. A view translates and calls one function of a read model, or one service.
"""
