"""Checks the definition of a rule: the fields of its kind, its conditions, and where it applies.

Forms, the API and commands all end here, by ``AlertRule.full_clean``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from calls.alerts.kinds import CONDITION_KINDS, KINDS
from calls.alerts.quiet import read_periods
from calls.models import AlertRule

MAX_CONDITIONS = 4
MAX_NAMES, NAME_LENGTH = 100, 200
# Every field that a person sets.
RULE_FIELDS = (
    "name", "kind", "enabled", "severity", "queues", "agents", "speaker", "phrases", "within_s",
    "language", "limit", "per_turn", "conditions", "repeat_after_s", "quiet_hours", "quiet_mode",
)  # fmt: skip


def validate_rule(fields: Mapping[str, Any], *, rule: AlertRule | None = None) -> AlertRule:
    """Return the rule with these fields set, and do not save it. Other fields keep their values.

    Raises ValidationError; its ``message_dict`` has the messages by field.
    """
    changed = rule or AlertRule()
    if unknown := sorted(fields.keys() - set(RULE_FIELDS)):
        raise ValidationError(dict.fromkeys(unknown, "There is no such field."))
    for name, value in fields.items():
        setattr(changed, name, value)
    # First, because the checks of a whole rule expect values of the right type.
    changed.clean_fields()
    changed.full_clean()
    return changed


def define_rule(fields: Mapping[str, Any], *, rule: AlertRule | None = None) -> AlertRule:
    """Save a new rule, or change these fields of a rule. Raises ValidationError."""
    changed = validate_rule(fields, rule=rule)
    try:
        with transaction.atomic():
            changed.save()
    except IntegrityError as error:  # another request took the name meanwhile
        raise ValidationError({"name": "There is a rule of this name."}) from error
    return changed


def check_rule(rule: AlertRule) -> None:
    """Validate a rule beyond its columns, and tidy its lists. Raises ValidationError."""
    errors: dict[str, list[str]] = {}
    for check in (_check_kind, _check_conditions, _check_names, _check_quiet_hours):
        try:
            check(rule)
        except ValidationError as error:
            errors |= error.message_dict
    if errors:
        raise ValidationError(errors)


AlertRule.definition_check = check_rule


def _check_kind(rule: AlertRule) -> None:
    # An unknown kind is reported by its column.
    if rule.kind in KINDS:
        KINDS[rule.kind].clean(rule)


def _check_conditions(rule: AlertRule) -> None:
    given = rule.conditions
    if not isinstance(given, list) or len(given) > MAX_CONDITIONS:
        raise ValidationError({"conditions": f"A list of at most {MAX_CONDITIONS} conditions."})
    cleaned, problems = [], []
    for number, entry in enumerate(given, 1):
        try:
            cleaned.append(clean_condition(entry))
        except ValidationError as error:
            problems += [f"Condition {number}: {text}" for text in error.messages]
    if problems:
        raise ValidationError({"conditions": problems})
    rule.conditions = cleaned


def clean_condition(entry: Any) -> dict[str, Any]:
    """Return a condition with the fields of its kind. Raises ValidationError."""
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if not isinstance(kind, str) or kind not in CONDITION_KINDS:
        raise ValidationError(f"kind must be one of {', '.join(CONDITION_KINDS)}.")
    fields = KINDS[kind].fields
    if unknown := sorted(str(name) for name in entry if name not in ("kind", *fields)):
        raise ValidationError(f"{unknown[0]} is not a field of this kind: {', '.join(fields)}.")
    cleaned = {"kind": kind} | {name: _clean(name, entry[name]) for name in fields if name in entry}
    try:
        KINDS[kind].clean(AlertRule(**cleaned))
    except ValidationError as error:
        texts = [text for problems in error.message_dict.values() for text in problems]
        raise ValidationError(texts) from error
    return cleaned


def _clean(name: str, value: Any) -> Any:
    field: Any = AlertRule._meta.get_field(name)  # noqa: SLF001 (public in spite of its name)
    try:
        return field.clean(value, None)
    except ValidationError as error:
        raise ValidationError(f"{field.verbose_name}: {' '.join(error.messages)}") from error


def _check_names(rule: AlertRule) -> None:
    for field in ("queues", "agents"):
        setattr(rule, field, clean_names(getattr(rule, field), field))


def clean_names(names: Any, field: str) -> list[str]:
    """Return a list of trimmed names without duplicates. Raises ValidationError."""
    if not isinstance(names, list) or any(not isinstance(name, str) for name in names):
        raise ValidationError({field: "This must be a list of names."})
    tidy = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    if len(tidy) > MAX_NAMES:
        raise ValidationError({field: f"At most {MAX_NAMES} names."})
    if any(len(name) > NAME_LENGTH or "\0" in name for name in tidy):
        raise ValidationError({field: f"At most {NAME_LENGTH} characters a name."})
    return tidy


def _check_quiet_hours(rule: AlertRule) -> None:
    try:
        read_periods(rule.quiet_hours)
    except ValueError as error:
        raise ValidationError({"quiet_hours": str(error)}) from error
