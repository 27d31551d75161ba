"""The analysis of one call, step by step, as a worker does it for many calls at once."""

from calls.analysis import attempts, findings
from calls.analysis.attempts import AttemptStart, Failure
from calls.analysis.findings import StageResult


def start_attempt(lease, *, stage, provider):
    return only(attempts.start_attempts([AttemptStart(lease, stage, provider)]))


def fail_attempt(lease, attempt, error):
    return only(attempts.fail_attempts([Failure(lease, attempt, error)]))


def save_transcript(lease, attempt, *, asked=True, audio=None, **fields):
    return only(
        findings.save_transcripts([StageResult(lease, attempt, fields, asked=asked, audio=audio)])
    )


def archive(lease, attempt, *, headline, asked=True, muted=None, **fields):
    finding = StageResult(lease, attempt, fields, asked=asked, muted=muted, headline=headline)
    return only(findings.archive_calls([finding]))


def release(lease):
    return only(attempts.release_calls([lease]))


def only(results):
    """Return the one result, or raise it if it is an exception, as it is for a lost lease."""
    (result,) = results
    if isinstance(result, Exception):
        raise result
    return result
