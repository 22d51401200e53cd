"""Ends with 0 if a page of this container answers 200: python /healthcheck.py VARIABLE PORT PATH.

The port is the one that VARIABLE names, else PORT.
"""

import http.client
import os
import sys

variable, port, path = sys.argv[1:]
connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get(variable) or port), timeout=2)
connection.request("GET", path)
sys.exit(connection.getresponse().status != 200)
