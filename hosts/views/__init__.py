"""The pages of this app: small functions: access, form, service, render."""
