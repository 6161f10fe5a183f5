"""The disk: a file is whole under its name, and what is read was written by somebody trusted."""
