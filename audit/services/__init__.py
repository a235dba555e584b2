"""What can be done to the audit log: something is added."""

from audit.services.notes import audit_note

__all__ = ["audit_note"]
