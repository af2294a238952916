"""What `benches/run.py` is made of: what is measured, how, and what is written about it."""
