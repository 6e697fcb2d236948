"""Bad and hostile input: what is refused says where and how to correct it, and what is accepted survives a round trip."""
