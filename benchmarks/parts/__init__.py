"""What benchmarks/engine.py starts: a loopback teacher, and each way of asking it as a command of its own."""
