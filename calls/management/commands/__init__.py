"""The commands of ``manage.py``.

analysis        Pause or resume the analysis, or show its status.
create_api_key  Create, list or revoke API keys.
decode          Decode calls again, in another format.
dismiss_failed  Dismiss failed calls that need no analysis.
generateschema  Print the OpenAPI schema, like spectacular.
graph_transitions  Draw the states and transitions of a call.
import_recording  Make finished calls of recordings.
prune           Remove old packets, old calls and stray files.
qcluster        Run a worker.
reanalyse       Analyse archived calls again.
reindex         Make missing or outdated search entries.
retry_failed    Retry failed calls.
simulate_calls  Play calls to a running server.
up              Run web server and worker together.
visualize_race  Race the first packets of a call, and check the result.
"""
