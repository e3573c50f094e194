"""The only code that imports gen/: proto to use case to proto."""
