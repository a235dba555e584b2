"""The app of the languages that the pages speak."""

from django.apps import AppConfig


class LanguageConfig(AppConfig):
    """English and Korean."""

    name = "language"
