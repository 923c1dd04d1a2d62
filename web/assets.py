"""The static files, read once and held in memory, each under an address that changes with its content."""

import functools
import gzip
import hashlib
import importlib.resources
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_STATIC = Path(__file__).parent / "static"
_VENDORED = {"htmx.min.js": ("js_lib_htmx", "static/htmx/htmx.min.js")}
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    body: bytes
    gzipped: bytes
    media_type: str
    version: str


@functools.cache
def load_assets() -> Mapping[str, Asset]:
    """By the name under `/static/`; packed once for a process."""
    files = {path.name: path.read_bytes() for path in sorted(_STATIC.iterdir()) if path.suffix in _TYPES}
    for name, (package, inside) in _VENDORED.items():
        files[name] = importlib.resources.files(package).joinpath(inside).read_bytes()
    return {name: _asset(name, body) for name, body in files.items()}


def _asset(name: str, body: bytes) -> Asset:
    version = hashlib.sha256(body).hexdigest()[:12]
    return Asset(body, gzip.compress(body, mtime=0), _TYPES[Path(name).suffix], version)
