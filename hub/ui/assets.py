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

    def post_process(self, paths: dict[str, tuple[Any, str]], **options: Any) -> Any:
        """Name and compress what was collected, after minifying it."""
        return super().post_process(
            {name: (_Minified(storage, name), path) for name, (storage, path) in paths.items()},
            **options,
        )


class _Minified:
    """Opens a file of another storage without comments, and without space that is no use there."""

    def __init__(self, storage: Any, name: str) -> None:
        self._storage = storage
        self._minify = MINIFIERS.get(name.partition("/")[0])

    def open(self, path: str) -> Any:
        file = self._storage.open(path)
        if not self._minify:
            return file
        with file:
            return ContentFile(self._minify(file.read()))
