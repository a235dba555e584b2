"""The site as one Django project: settings, addresses, processes."""
