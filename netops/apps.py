from django.apps import AppConfig


class NetopsConfig(AppConfig):
    """Changes of hosts' networks: request, plan, approval, job, history."""

    name = "netops"
    default_auto_field = "django.db.models.BigAutoField"
