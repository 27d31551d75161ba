"""The files of a backup: all or none, and restored only into their own folder."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from django.utils import timezone

from calls.analysis.recording.files import remove_files
from calls.backups import making, restoring
from calls.backups.making import make_backup
from calls.backups.manifest import NAME, UNFINISHED, BackupError, read_manifest
from calls.backups.media import MARKER, SUMS, read_sums
from calls.backups.restoring import find_unfinished, restore_backup
from calls.models import Call, Recording
from calls.operation.claims import InUse, claim

pytestmark = pytest.mark.django_db
ODD = "recordings/2026-11-30/odd \\ name\nof ä.wav"


@pytest.fixture
def media(settings, tmp_path):
    """The files of a site whose database is one file."""
    folder = tmp_path / "site"
    for number, name in enumerate(["recordings/2026-11-30/a.wav", ODD, "waveforms/b.peaks"]):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(bytes([number]) * 100)
    settings.MEDIA_ROOT = str(folder)
    return folder


@pytest.fixture(autouse=True)
def loads(monkeypatch):
    """Programs of the database are left to the tests with processes."""
    loaded = []

    def dump(folder):
        file = folder / restoring.NAMES[restoring.connection.vendor]
        file.write_text("rows")
        return file

    monkeypatch.setattr(making, "dump", dump)
    monkeypatch.setattr(restoring, "load", lambda folder, *, then: loaded.append(then))
    monkeypatch.setattr(restoring, "_has_tables", lambda: False)
    return loaded


@pytest.fixture
def backup(media, tmp_path):
    make_backup(tmp_path / "backup")
    return tmp_path / "backup"


@pytest.fixture
def new(settings, backup, tmp_path):
    """An empty MEDIA_ROOT, after the backup was made."""
    settings.MEDIA_ROOT = str(tmp_path / "new")
    return tmp_path / "new"


def files(folder):
    return {
        str(each.relative_to(folder)): each.read_bytes()
        for each in folder.rglob("*")
        if each.is_file()
    }


def full(*arguments, **named):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("step", ["dump", "copy_from_site", "write_sums", "write_whole"])
def test_a_backup_that_fails_leaves_the_folder_as_it_was(
    media, tmp_path, monkeypatch, step, exists
):
    folder = tmp_path / "backup"
    if exists:
        folder.mkdir()
    monkeypatch.setattr(making, step, full)

    with pytest.raises(OSError, match="No space left"):
        make_backup(folder)

    assert folder.exists() == exists
    assert not exists or not any(folder.iterdir())


def test_a_backup_is_not_complete_before_its_manifest(media, tmp_path, monkeypatch):
    seen = []
    real = making.write_whole
    monkeypatch.setattr(
        making, "write_whole", lambda *given: (seen.extend(files(tmp_path / "b")), real(*given))
    )

    make_backup(tmp_path / "b")

    assert UNFINISHED in seen
    assert NAME not in seen
    assert UNFINISHED not in files(tmp_path / "b")


def test_a_folder_with_a_complete_or_incomplete_backup_is_not_touched(backup, tmp_path):
    half = tmp_path / "half"
    half.mkdir()
    (half / UNFINISHED).touch()
    before = files(backup)

    with pytest.raises(BackupError, match="is not empty"):
        make_backup(backup)
    with pytest.raises(BackupError, match="was interrupted"):
        make_backup(half)
    with (
        claim(half / UNFINISHED),
        pytest.raises(BackupError, match="Another backup is being written"),
    ):
        make_backup(half)

    assert files(backup) == before
    assert list(files(half)) == [UNFINISHED]


def test_a_recording_that_is_deleted_while_a_backup_runs_is_in_it_and_goes_afterwards(
    media, tmp_path, monkeypatch
):
    real, removed = making.dump, []

    def dump(folder):
        file = real(folder)
        removed.append(remove_files([ODD]))
        return file

    monkeypatch.setattr(making, "dump", dump)

    make_backup(tmp_path / "backup")

    assert removed == [0]
    assert (tmp_path / "backup" / "media" / ODD).exists()
    assert remove_files([ODD]) == 1
    assert not (media / ODD).exists()


def test_a_recording_that_the_site_had_lost_is_named(media, new, backup):
    call = Call.objects.create(call_id="c-1")
    Recording.objects.create(
        call=call, file=ODD, redacted_file="recordings/lost.wav", version=1, duration_ms=1, size=1,
        sha256="", created_at=timezone.now(),
    )  # fmt: skip

    done = restore_backup(backup)

    assert done.absent == ["recordings/lost.wav"]


def test_a_backup_into_the_folder_that_it_copies_is_refused(media):
    with pytest.raises(BackupError, match="is in MEDIA_ROOT"):
        make_backup(media / "backup")


def test_the_list_of_digests_is_that_of_sha256sum(backup):
    sums = read_sums(backup, read_manifest(backup))

    checked = subprocess.run(
        ["sha256sum", "--check", "--quiet", SUMS], cwd=backup, check=False, capture_output=True
    )

    assert (checked.returncode, checked.stdout) == (0, b"")
    assert set(sums) == {"recordings/2026-11-30/a.wav", ODD, "waveforms/b.peaks"}


def test_a_restore_brings_back_every_file_and_gives_the_log_a_new_epoch(new, backup, media, loads):
    restore_backup(backup)

    assert files(new) == files(media)
    ((epoch, _),) = loads
    assert "UPDATE calls_eventlog SET epoch" in epoch
    assert find_unfinished() == ""


@pytest.mark.parametrize("step", ["copy_to_site", "load"])
def test_a_failed_restore_continues_with_the_same_epoch(
    new, backup, media, loads, monkeypatch, step
):
    with monkeypatch.context() as failing:
        failing.setattr(restoring, step, full)
        with pytest.raises(OSError, match="No space left"):
            restore_backup(backup)
    begun = json.loads((new / MARKER).read_text())
    assert "Run it again" in find_unfinished()
    (new / "recordings/2026-11-30").mkdir(parents=True, exist_ok=True)
    (new / "recordings/2026-11-30/a.wav.part").write_bytes(b"half")
    (new / "recordings/2026-11-30/a.wav").write_bytes(b"cut by a power cut")

    restore_backup(backup)

    assert files(new) == files(media)
    assert begun["epoch"].replace("-", "") in loads[0][0].replace("-", "")


def test_a_restore_never_mixes_with_other_files(new, backup):
    new.mkdir()
    (new / "recording.wav").touch()

    with pytest.raises(BackupError, match="is not empty"):
        restore_backup(backup)

    assert list(files(new)) == ["recording.wav"]


def test_an_interrupted_restore_continues_only_with_its_own_backup_and_files(
    new, backup, monkeypatch
):
    with monkeypatch.context() as failing:
        failing.setattr(restoring, "load", full)
        with pytest.raises(OSError, match="No space left"):
            restore_backup(backup)
    other = replace(read_manifest(backup), sha256="other")

    with monkeypatch.context() as changed:
        changed.setattr(restoring, "_read", lambda folder: other)
        changed.setattr(restoring, "_check", lambda *given, **named: None)
        with pytest.raises(BackupError, match="files of another restore"):
            restore_backup(backup)
    (new / "written by a site").touch()
    with pytest.raises(BackupError, match="files that are not of this backup: written by a site"):
        restore_backup(backup)


def test_two_restores_do_not_write_into_one_folder(new, backup):
    new.mkdir()

    with (
        claim(new / MARKER),
        pytest.raises(BackupError, match="Another restore is writing"),
    ):
        restore_backup(backup)


@pytest.mark.parametrize("harm", ["missing", "damaged"])
def test_a_file_that_is_missing_or_damaged_is_named_before_the_database_is_filled(
    new, backup, loads, harm
):
    file = backup / "media/recordings/2026-11-30/a.wav"
    if harm == "missing":
        file.unlink()
    else:
        file.write_bytes(b"\0" * 99 + b"x")

    with pytest.raises(BackupError, match=r"1 files .* missing or damaged: recordings/.*a\.wav"):
        restore_backup(backup)
    assert loads == []
    done = restore_backup(backup, without_damaged=True)

    assert done.damaged == ["recordings/2026-11-30/a.wav"]
    assert set(files(new)) == {ODD, "waveforms/b.peaks"}
    assert len(loads) == 1


def test_a_truncated_list_of_digests_is_refused(new, backup):
    sums = backup / SUMS
    sums.write_bytes(sums.read_bytes()[:-80])

    with pytest.raises(BackupError, match="was not copied completely"):
        restore_backup(backup)

    assert not new.exists()


def test_a_backup_of_the_previous_release_is_restored_if_it_has_all_its_files(new, backup, media):
    (backup / SUMS).unlink()
    manifest = json.loads((backup / NAME).read_text())
    del manifest["sums"]
    (backup / NAME).write_text(json.dumps(manifest | {"format": 1}))
    lost = (backup / "media" / ODD).rename(backup / "lost")

    with pytest.raises(BackupError, match="only 2 of 3 files"):
        restore_backup(backup)
    lost.rename(backup / "media" / ODD)
    restore_backup(backup)

    assert files(new) == files(media)


def test_a_claim_whose_file_another_process_has_renamed_is_made_again(tmp_path):
    path = tmp_path / "claim"
    with claim(path):
        with pytest.raises(InUse), claim(path):
            pass
        path.rename(tmp_path / "done")
        with claim(path):
            assert path.exists()

    assert {each.name for each in Path(tmp_path).iterdir()} == {"claim", "done"}
