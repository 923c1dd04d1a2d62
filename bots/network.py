"""What a platform's library raises when its servers are not reached."""

import aiohttp

UNREACHABLE = (TimeoutError, OSError, aiohttp.ClientError)
"""A connection that is cut in the middle is neither a timeout nor an `OSError`."""
