"""Background jobs in the admin: what is queued, what failed and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.utils.safestring import SafeString
from django_q import admin as packaged
from django_q.models import Failure, OrmQ, Schedule, Success

from calls.admin.display import NONE, Shown, pill, show_cut, show_error

if TYPE_CHECKING:
    _Bare = admin.ModelAdmin[Any]
else:
    _Bare = object
# The package has registered its own pages, in apps that come later.
admin.site.unregister([Failure, OrmQ, Schedule, Success])


class Jobs(_Bare):
    """The columns of all lists of jobs. ``job`` is the function that a worker calls."""

    @admin.display(description="job")
    def job(self, row: Any) -> SafeString | str:
        name = row.func() if callable(row.func) else row.func
        return show_cut(str(name))


@admin.register(Failure)
class FailureAdmin(Jobs, Shown, packaged.FailAdmin):  # type: ignore[misc]
    list_display = ["name", "error", "job", "started", "stopped", "attempt_count"]
    list_filter = ["func"]
    ordering = ["-stopped"]

    @admin.display
    def error(self, task: Failure) -> SafeString | str:
        return show_error(str(task.result or ""))


@admin.register(Success)
class SuccessAdmin(Jobs, Shown, packaged.TaskAdmin):  # type: ignore[misc]
    list_display = ["name", "job", "started", "stopped", "took"]
    list_filter = ["func"]
    ordering = ["-stopped"]

    @admin.display
    def took(self, task: Success) -> str:
        return f"{task.time_taken():.1f} s"


@admin.register(OrmQ)
class QueueAdmin(Jobs, Shown, packaged.QueueAdmin):  # type: ignore[misc]
    list_display = ["id", "job", "task_id", "lock"]


@admin.register(Schedule)
class ScheduleAdmin(Jobs, Shown, packaged.ScheduleAdmin):  # type: ignore[misc]
    list_display = ["name", "last_result", "job", "schedule_type", "next_run"]
    list_display_links = ["name"]
    list_filter = ["schedule_type"]

    @admin.display(description="last run")
    def last_result(self, schedule: Any) -> SafeString | str:
        if schedule.task_success is None:
            return NONE
        return pill("ok", "Succeeded") if schedule.task_success else pill("bad", "Failed")
