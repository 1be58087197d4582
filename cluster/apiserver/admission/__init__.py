"""Admission: what may be written, and what the cluster adds to it. One plugin a file, in the order of `chain.py`."""
