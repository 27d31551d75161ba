"""The call page.

actions           Chooses the actions that a call allows, and runs the one that a form asks for.
annotating        The views that add and remove tags and notes.
downloads         The files that the call page offers for download.
highlight         The search words that the call page marks: ``?q=refund``.
live_figures      The figures of a call so far.
live_transcript   The live transcript of a call, as turns.
marks             The moments that alerts and notes are about, as marks on the player's timeline.
moments           The turns that alerts and notes are about.
other_calls       The other calls of the same customer.
packet_map        The packet map: received, missing, late and reordered packets by sequence number.
parties           Who is talking with whom: the title of the page.
read_model        Everything the call page shows about one call.
sound_troubles    What is wrong with the sound, and what to do about it.
sought_turn       The turn that a link points to: ``?t=83.2``, in seconds.
speaker_timeline  Who speaks when, as bars of a timeline of fixed width.
talk              The talk-time bar: the shares of agent, customer, both and silence.
tiles             The figures of the conversation at the top of the page.
views             The views of the call page.
"""
