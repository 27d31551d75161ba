"""What JSON fields read is what Python's own module would read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.models.fields import JSONField

texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]))  # others are cleaned away
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)


def read(text):
    return JSONField().from_db_value(text, None, None)


@given(documents)
def test_every_document_is_read_as_it_was_written(document):
    assert read(json.dumps(document)) == document


@pytest.mark.parametrize(
    ("stored", "found"),
    [("1e400", float("inf")), ("-Infinity", -float("inf")), ('"a\\ud800b"', "a\ufffdb")],
)
def test_what_only_an_older_version_stored_is_read_as_well(stored, found):
    assert read(stored) == found
