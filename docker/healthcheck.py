"""Ends with 0 if a page of this container answers 200: python /healthcheck.py PATH PORT [VARIABLE]

The port is the one that VARIABLE names, if it is set, and else PORT.
"""

import http.client
import os
import sys

path, port, *variables = sys.argv[1:]
ports = [os.environ[variable] for variable in variables if os.environ.get(variable)]
connection = http.client.HTTPConnection("127.0.0.1", int([*ports, port][0]), timeout=3)
connection.request("GET", path)
sys.exit(connection.getresponse().status != 200)
