"""Settings, the files they name, and TLS. Imports value types of all packages.

Imported by the command line, the composition root and the workers only.
"""
