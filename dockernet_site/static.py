"""Static files: names with a hash, compressed, served by whitenoise."""

from __future__ import annotations

from django.contrib.staticfiles.storage import HashedFilesMixin
from whitenoise.storage import (  # type: ignore[import-untyped]
    CompressedManifestStaticFilesStorage,
)


class HashedStatic(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """A file that is missing from the manifest keeps its plain name (tests, first start).

    References to source maps stay as they are: the maps are not served.
    """

    manifest_strict = False
    patterns = tuple(
        (files, tuple(p for p in patterns if "sourceMappingURL" not in str(p)))
        for files, patterns in HashedFilesMixin.patterns
    )

    def stored_name(self, name: str) -> str:
        """Return the hashed name, the plain one for a file that was not collected."""
        try:
            return str(super().stored_name(name))
        except ValueError:
            return name
