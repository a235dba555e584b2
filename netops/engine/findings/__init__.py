"""What an approver must know before a change: small pure functions over an observed host."""
