"""Is production still what a specialist was made for? Its audit log against what its version was made from."""
