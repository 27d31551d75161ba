"""The analysis of one call, step by step, as a worker does it for many calls at once."""

from calls.analysis import attempts, findings
from calls.analysis.attempts import Begin, Failure
from calls.analysis.findings import Finding


def begin_attempt(lease, *, stage, provider):
    return only(attempts.begin_attempts([Begin(lease, stage, provider)]))


def fail_attempt(lease, attempt, error):
    return only(attempts.fail_attempts([Failure(lease, attempt, error)]))


def save_transcript(lease, attempt, *, asked=True, audio=None, **fields):
    return only(
        findings.save_transcripts([Finding(lease, attempt, fields, asked=asked, audio=audio)])
    )


def archive(lease, attempt, *, verdict, asked=True, muted=None, **fields):
    finding = Finding(lease, attempt, fields, asked=asked, muted=muted, verdict=verdict)
    return only(findings.archive_all([finding]))


def release(lease):
    return only(attempts.release_all([lease]))


def only(results):
    """Return the one result, or raise it if it is an exception, as it is for a lost lease."""
    (result,) = results
    if isinstance(result, Exception):
        raise result
    return result
