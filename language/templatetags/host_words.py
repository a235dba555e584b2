"""The former name of the filter `said`."""

from language.templatetags.said import register, said

register.filter("host_words", said)

__all__ = ["register"]
