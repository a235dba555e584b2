"""What happened is written down (outbox), spread to who wants it (spread), and sent (deliver)."""
