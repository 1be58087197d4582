"""What the server counts, and how it is shown. Counting is a dict entry; everything dearer happens when asked."""
