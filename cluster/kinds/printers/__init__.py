"""The cells of tables, as the API server's printers fill them. One module a field of the API."""
