from django.apps import AppConfig


class HostsConfig(AppConfig):
    """The registered hosts and what they are."""

    name = "hosts"
    default_auto_field = "django.db.models.BigAutoField"
