from django.apps import AppConfig


class NotifyConfig(AppConfig):
    """Tells people what happened, by e-mail and webhook."""

    name = "notify"
    default_auto_field = "django.db.models.BigAutoField"
