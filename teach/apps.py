from django.apps import AppConfig


class TeachConfig(AppConfig):
    """Explains the words that a newcomer may not know."""

    name = "teach"
