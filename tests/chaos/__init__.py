"""Things that go wrong, at random and seeded: a source that misbehaves, processes that are killed, disks that are full."""
