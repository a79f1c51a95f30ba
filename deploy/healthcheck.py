"""Exit with 0 if the Hub of this container is ready. The request looks like the proxy's."""

import http.client
import os
import sys

hub = http.client.HTTPConnection("127.0.0.1", 8000, timeout=4)
host = os.environ["ALLOWED_HOSTS"].split(",")[0]
hub.request("GET", "/readyz", headers={"Host": host, "X-Forwarded-Proto": "https"})
sys.exit(hub.getresponse().status != 200)
