"""What engines keep between starts: built engines and optimised graphs, beside the bundle they come from."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from wsvs_ros.errors import WsvsError
from wsvs_ros.files import replace_file
from wsvs_ros.perception.bundle import ModelBundle

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")


@dataclass(frozen=True)
class CacheKey:
    """
    All that a built engine depends on: one of another model, version, device, precision or shape is another one.

    :param runtime: e.g. `tensorrt`.
    :param version: of the runtime.
    :param device: the processor it was built for, as exactly as it can be told.
    :param precision: `float32`, `float16` or `int8`.
    :param model: SHA-256 of the file that it was built from.
    :param settings: whatever else decides, e.g. shapes.
    """

    runtime: str
    version: str
    device: str
    precision: str
    model: str
    settings: str = ""

    @property
    def stem(self) -> str:
        """Name of its files."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]
        return f"{self.runtime}-{self.precision}-{digest}"


class EngineCache:
    """
    Files beside a bundle, in `.engines`, or in the user's cache where the bundle's folder is read-only.

    Each engine is a file with a record of its key and its hash, both written aside and renamed, so what was
    half-written or altered is never taken.

    :param bundle: the model.
    """

    def __init__(self, bundle: ModelBundle) -> None:
        home = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
        name = f"{bundle.name}-{bundle.sha256[:12]}".replace(os.sep, "-")
        self._folders = (bundle.path / ".engines", home / "wsvs_ros" / "engines" / name)

    def load(self, key: CacheKey) -> bytes | None:
        """What was stored under `key`, whole and unaltered, or None."""
        for folder in self._folders:
            try:
                record = json.loads((folder / f"{key.stem}.json").read_text(encoding="utf-8"))
                data = (folder / f"{key.stem}.bin").read_bytes()
            except (OSError, ValueError):
                continue
            if record == _record(key, data):
                return data
            _LOG.warning("%s: altered or incomplete, it is built again", folder / f"{key.stem}.bin")
        return None

    def store(self, key: CacheKey, data: bytes) -> Path | None:
        """
        Keep `data` under `key`, and drop what the same runtime kept for the same device from another model or version.

        :return: the file; None, after a warning, if no folder can be written to.
        """
        for folder in self._folders:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                path = _write(folder / f"{key.stem}.bin", data)
                _write(folder / f"{key.stem}.json", json.dumps(_record(key, data), indent=1).encode())
            except OSError as error:
                _LOG.info("%s: cannot be written (%s)", folder, error.strerror)
                continue
            _prune(folder, key)
            return path
        _LOG.warning("%s is not kept, it will be built again at the next start: no folder can be written to", key.stem)
        return None

    @contextmanager
    def building(self) -> Iterator[None]:
        """
        Let one process at a time build, whatever it builds; the others wait.

        Two builds side by side would also spoil each other's timings. Where no folder can be written to, nobody
        waits: nothing could be handed on.
        """
        with ExitStack() as stack:
            for folder in self._folders:
                try:
                    folder.mkdir(parents=True, exist_ok=True)
                    lock = stack.enter_context((folder / ".lock").open("a"))
                except OSError:
                    continue
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    _LOG.info("another process builds an engine in %s; waiting for it", folder)
                    fcntl.flock(lock, fcntl.LOCK_EX)
                except OSError as error:  # a file system without locks
                    _LOG.info("%s: cannot be locked (%s)", folder, error.strerror)
                break
            yield

    def discard(self, key: CacheKey) -> None:
        """Remove what is stored under `key`."""
        for folder in self._folders:
            _remove(folder, key.stem)


def load_or_build(cache: EngineCache, key: CacheKey, load: Callable[[bytes], _T], build: Callable[[], bytes]) -> _T:
    """
    The engine kept under `key`, or one built anew and kept.

    Several processes started together, one a camera, build it once.

    :param load: makes an engine of its bytes and validates it; what was built has to pass it as well.
    :param build: gives the bytes of a new engine.
    :raises WsvsError: if building fails, or what was built is not valid.
    """
    found = _load_kept(cache, key, load)
    if found is not None:
        return found
    with cache.building():
        found = _load_kept(cache, key, load)  # another process may have built it meanwhile
        if found is not None:
            return found
        built = build()
        engine = load(built)
        cache.store(key, built)
        return engine


def _load_kept(cache: EngineCache, key: CacheKey, load: Callable[[bytes], _T]) -> _T | None:
    stored = cache.load(key)
    if stored is None:
        return None
    try:
        return load(stored)
    except WsvsError as error:
        _LOG.warning("the kept %s engine does not serve, it is built again: %s", key.runtime, error)
        cache.discard(key)
        return None


def _record(key: CacheKey, data: bytes) -> dict[str, str]:
    return {**asdict(key), "sha256": hashlib.sha256(data).hexdigest()}


def _write(path: Path, data: bytes) -> Path:
    replace_file(path, data)
    return path


def _prune(folder: Path, key: CacheKey) -> None:
    """Machines with other devices may share the folder: theirs stays."""
    for path in folder.glob(f"{key.runtime}-{key.precision}-*.json"):
        try:
            other = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if path.stem != key.stem and isinstance(other, dict) and other.get("device") == key.device:
            _LOG.info("%s: of another model, version or setting, removed", path.with_suffix(".bin"))
            _remove(folder, path.stem)


def _remove(folder: Path, stem: str) -> None:
    for suffix in (".json", ".bin"):
        try:
            (folder / f"{stem}{suffix}").unlink(missing_ok=True)
        except OSError as error:
            _LOG.info("%s: cannot be removed (%s)", folder / f"{stem}{suffix}", error.strerror)
