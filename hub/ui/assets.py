"""How static files are stored for production: compressed, and named after their content."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


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
