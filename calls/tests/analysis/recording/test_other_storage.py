"""Recordings in a storage that is not a file system: nothing asks it for a path."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, default_storage, storages
from django.test import Client
from django.utils import timezone

from calls.analysis.recording.playback import read_waveform
from calls.models import Call, Recording
from calls.retention.old_calls import prune
from calls.tests.audio import archived_audio, at, body, make_older, samples

pytestmark = pytest.mark.django_db
URL = "/v1/call/spoken/recording"


class Bucket(Storage):
    """Files that have names and no place on this machine: ``path`` raises NotImplementedError."""

    def __init__(self):
        self.files = {}

    def _open(self, name, mode="rb"):
        if name not in self.files:
            raise FileNotFoundError(name)
        return ContentFile(self.files[name][0], name=name)

    def _save(self, name, content):
        self.files[name] = (content.read(), timezone.now())
        return name

    def exists(self, name):
        return name in self.files

    def delete(self, name):
        self.files.pop(name, None)

    def size(self, name):
        return len(self.files[name][0])

    def listdir(self, path):
        below = [
            name.removeprefix(f"{path}/") for name in self.files if name.startswith(f"{path}/")
        ]
        folders = sorted({name.split("/")[0] for name in below if "/" in name})
        return folders, [name for name in below if "/" not in name]

    def get_modified_time(self, name):
        return self.files[name][1]


@pytest.fixture(autouse=True)
def elsewhere(settings):
    backend = f"{__name__}.{Bucket.__name__}"
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": backend}}


def test_a_recording_is_stored_played_and_muted_in_another_storage():
    archived_audio()

    whole = body(Client().get(URL))
    part = Client().get(URL, headers={"Range": "bytes=44-99"})

    assert isinstance(storages["default"], Bucket)
    assert at(samples(whole), 0, 1.5).any()
    assert not at(samples(whole), 3, 4).any()  # the card number
    assert (part.status_code, body(part)) == (206, whole[44:100])
    assert read_waveform(Call.objects.get(), redacted=True) is not None


def test_files_in_another_storage_are_deleted_with_their_call():
    call = archived_audio()
    names = [str(call.recording.file), str(call.recording.redacted_file)]
    assert all(default_storage.exists(name) for name in names)
    make_older(call, days=2)

    prune(calls_older_than=timedelta(days=1))

    assert not Recording.objects.exists()
    assert not any(default_storage.exists(name) for name in names)
