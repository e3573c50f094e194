"""One verb a file. A use case takes ports, raises only errors of service.errors, and knows no wire format."""
