"""The audit log: who did what, from where, when. Rows are only ever added."""

from __future__ import annotations

from django.db import models


class Entry(models.Model):
    """One act. `by` is a user's name, a host's name, "dockernet" itself, or who typed a command as
    "root (shell)" (no user's name has a space); `via` and `address` say from where it came (page,
    api, host, command). Text, not foreign keys: the record must not
    change when a user or a host does. The database refuses UPDATE and DELETE (0002_append_only)."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    action = models.CharField(max_length=64, db_index=True)
    by = models.CharField(max_length=150, db_index=True)
    via = models.CharField(max_length=16)
    address = models.CharField(max_length=64, blank=True)
    target = models.CharField(max_length=128, blank=True, db_index=True)
    message = models.TextField()
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.action} by {self.by}"
