"""From a routed request to the registry and back to bytes. HTTP ends here."""
