"""The gateway and those beside which it is measured: how each is started, so that it limits by API key."""
