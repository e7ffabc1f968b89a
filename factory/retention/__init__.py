"""What a FACTORY_HOME need not keep for ever: which builds are still needed, and how the rest goes."""
