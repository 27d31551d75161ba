"""Alerts: what rules look for, how calls are watched, and every write of an alert."""
