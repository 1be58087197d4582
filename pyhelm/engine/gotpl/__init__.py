"""The Go front end: text/template's language, lexed, parsed and lowered to Jinja2's syntax tree.

Nothing here is imported when every template of a chart is found compiled in the cache.
"""
