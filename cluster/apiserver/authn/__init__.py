"""Who is asking. One credential, one file; `chain.py` asks them in turn."""
