from typing import ClassVar

from django.db import models


class Entry(models.Model):
    """An entry as a table has it, with an index on each field that is filtered by."""

    # As text, which Datasette shows as it is.
    id: "models.CharField[str, str]" = models.CharField(primary_key=True, max_length=36)
    timestamp = models.DateTimeField(db_index=True)
    actor_type = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=256, db_index=True)
    actor_name = models.CharField(max_length=256, null=True, db_index=True)
    action = models.CharField(max_length=128, db_index=True)
    action_type = models.CharField(max_length=16, db_index=True)
    target_type = models.CharField(max_length=64, null=True)
    target_id = models.CharField(max_length=256, null=True, db_index=True)
    target_name = models.CharField(max_length=256, null=True)
    result = models.CharField(max_length=16, db_index=True)
    duration = models.FloatField(null=True)
    correlation_id = models.CharField(max_length=128, null=True, db_index=True)
    request_id = models.CharField(max_length=128, null=True, db_index=True)
    session_id = models.CharField(max_length=128, null=True, db_index=True)
    source_ip = models.CharField(max_length=128, null=True)
    bot_id = models.CharField(max_length=256, null=True, db_index=True)
    writer_id = models.CharField(max_length=128, null=True, db_index=True)
    asserted_by = models.CharField(max_length=64, null=True, db_index=True)
    payload = models.JSONField(null=True)

    class Meta:
        db_table = "entries"
        ordering: ClassVar = ["-timestamp"]
        verbose_name_plural = "entries"

    def __str__(self) -> str:
        return self.id
