"""What every request passes before it is routed, one concern a file, in the order of `chain.py`."""
