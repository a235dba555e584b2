from django.apps import AppConfig


class PoliciesConfig(AppConfig):
    """Who may ask for, approve and stop changes of which hosts, and when nothing may be changed."""

    name = "policies"
    default_auto_field = "django.db.models.BigAutoField"
