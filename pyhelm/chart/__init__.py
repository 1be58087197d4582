"""Charts: what one is, reading it from a folder or an archive, checking it, packaging it.

`load.load_chart(path)` is the door. Knows files and Chart.yaml; nothing of values' meaning or templates.
"""
