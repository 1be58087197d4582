"""Handing out what is scarce: Service addresses and node ports."""
