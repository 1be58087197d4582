"""Volume provisioners."""
