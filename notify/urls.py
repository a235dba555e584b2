"""Addresses of the pages of this app."""

from django.urls import path

from notify import views

app_name = "notify"
urlpatterns = [
    path("account/notifications/", views.notifications, name="page"),
    path("account/notifications/address/", views.address, name="address"),
    path("account/notifications/same/", views.same, name="same"),
    path("account/notifications/test/", views.test, name="test"),
    path("account/notifications/webhook/", views.webhook, name="webhook"),
    path("account/notifications/webhook/remove/", views.webhook_off, name="webhook_remove"),
    path("account/notifications/webhook/renew/", views.webhook_renew, name="webhook_renew"),
]
