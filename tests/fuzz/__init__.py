"""Bad and hostile input: what is refused says where and how to mend it, and what is accepted survives a round trip."""
