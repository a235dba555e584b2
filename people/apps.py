from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Who may do what."""

    name = "people"
    default_auto_field = "django.db.models.BigAutoField"
