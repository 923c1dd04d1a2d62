"""What the conversation in chat needs of the core beyond the use cases that every door has."""
