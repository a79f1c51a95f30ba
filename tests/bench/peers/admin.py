from typing import TYPE_CHECKING

from django.contrib import admin

from tests.bench.peers.models import Entry

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Entry]
else:
    ModelAdmin = admin.ModelAdmin


@admin.register(Entry)
class EntryAdmin(ModelAdmin):
    """The usual: columns, filters at the side, a search over the fields that the Hub searches."""

    list_display = ("timestamp", "actor_name", "action", "target_id", "result", "duration")
    list_filter = ("action_type", "result", "actor_type")
    search_fields = (
        *("action", "actor_id", "actor_name"),
        *("target_type", "target_id", "target_name"),
    )
    date_hierarchy = "timestamp"
    # As many as the Hub shows.
    list_per_page = 50
