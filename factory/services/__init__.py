"""The embedded servers: how each is started, found again and stopped. One locked environment each."""
