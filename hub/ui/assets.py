"""How static files are stored for production: minified, compressed, named after their content."""

from typing import Any

from django.core.files.base import ContentFile
from rcssmin import cssmin
from rjsmin import jsmin
from whitenoise.storage import CompressedManifestStaticFilesStorage

# By folder: htmx comes minified, in a folder of its own.
MINIFIERS = {"css": cssmin, "js": jsmin}


class ModuleStorage(CompressedManifestStaticFilesStorage):
    """Whitenoise's storage, which also writes the hashed names into the imports of ES modules.

    Without that, a module would import another by a name whose content changes with the next
    release, while browsers may keep it for a year.
    """

    # Django's switch for it, `support_js_module_import_aggregation`, reads the scripts of every
    # package, and fails on one of django-htmx that names a type by `import(…)` in a comment.
    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        ("js/*.js", CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1]),
    )

    def post_process(self, paths: dict[str, Any], **options: Any) -> Any:
        """Name and compress the files as they were collected; Django would read their sources."""
        return super().post_process({name: (self, name) for name in paths}, **options)

    def save(self, name: str, content: Any, max_length: int | None = None) -> str:
        """Store a file that is being collected, without comments and space that is no use there."""
        if minify := MINIFIERS.get(name.partition("/")[0]):
            content = ContentFile(minify(content.read()))
        saved: str = super().save(name, content, max_length)
        return saved
