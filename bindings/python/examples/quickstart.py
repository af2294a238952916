"""Gets a token for Acquired.com and uses it.

pip install ./bindings/python
ACQUIRED_APP_ID=... ACQUIRED_APP_KEY=... python quickstart.py
"""

import os
from urllib.request import Request, urlopen

import tokenkeep

base_url = os.environ.get("ACQUIRED_BASE_URL", "https://test-api.acquired.com")
client = tokenkeep.Client(
    "acquired",
    environment="qa",
    base_url=base_url,
    app_id=os.environ["ACQUIRED_APP_ID"],
    app_key_env="ACQUIRED_APP_KEY",
)

# Ask for a token before each request: it is cached until it is about to end.
token = client.token()
with urlopen(Request(f"{base_url}/v1/customers", headers=token.headers), timeout=30) as answer:
    print("the vendor answered", answer.status)
