"""Addresses of the pages of this app."""

from django.urls import path

from people import views

app_name = "people"
urlpatterns = [
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/new/", views.token_create, name="token_create"),
    path("tokens/<int:pk>/revoke/", views.token_remove, name="token_revoke"),
]
