"""Addresses of the pages of this app."""

from django.urls import path

from people import views, views_tokens

app_name = "people"
urlpatterns = [
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/new/", views.token_create, name="token_create"),
    path("tokens/all/", views_tokens.everybodys, name="tokens_all"),
    path("tokens/<int:pk>/revoke/", views.token_remove, name="token_revoke"),
]
