"""onnxruntime-web, which runs a generator in a browser: from where it is, or once from npm into the user's cache.

Its WebAssembly is 14 MB, which no package of the Python index brings: it is not kept in this one, and is fetched by
npm, in one fixed version whose files are known by their digests. What a user names is taken as it is.
"""

import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha512
from pathlib import Path

from sparring.cache import user_cache
from sparring.errors import UserError, writing

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
SCRIPT, WASM, ABOUT = "dist/ort.wasm.bundle.min.mjs", "dist/ort-wasm-simd-threaded.wasm", "package.json"
DIGESTS = {
    SCRIPT: "d4a705f0258065eaad4dcbcb80a3ed38c5c86e459e87ef8b0c24290e14390115"
    "711c02f554d2f9aebd0e23e3314db98d200365744fc0feaf8ee2048a81232359",
    WASM: "1adeded62203219fcf5c484cfce5657aa5875689b490423f86cf1ca1dd1cad77"
    "15f630c6337f41db71ee42794e3a00ce0b7c78939a71220b5d83368bf6ea7730",
}
"""SHA-512 of the files of that version."""

EXPORTS = re.compile(r"export\s*\{([^{}]*)\};?\s*$")
"""The end of a module: `export{a as InferenceSession,b as Tensor,c as env};`."""

SECONDS = 600
"""That npm may take."""

Files = dict[str, bytes]


@dataclass(frozen=True)
class Runtime:
    """What a page needs to run a generator.

    Args:
        version: of onnxruntime-web.
        script: a module that puts what it exports into `globalThis.ort`.
        wasm: its WebAssembly.
    """

    version: str
    script: str
    wasm: bytes


def find(named: Path | None = None, tell: Callable[[str], None] = lambda text: None) -> Runtime:
    """The runtime.

    Args:
        named: a folder or `.tgz` of the npm package, whatever its version; by default it is looked for in the user's
            cache and in `node_modules` here, and else fetched by npm into that cache.
        tell: told before it is fetched.

    Raises:
        UserError: what was named is not the package; it is nowhere, and cannot be fetched.
    """
    if named is not None:
        return _runtime(_of_folder(named) if named.is_dir() else _of_archive(named), str(named))
    kept = user_cache() / f"{PACKAGE}-{VERSION}"
    for folder in (kept, Path("node_modules") / PACKAGE):
        files = _of_folder(folder)
        if _genuine(files):
            return _runtime(files, str(folder))
    return _runtime(_fetched(kept, tell), PACKAGE)


def _of_folder(folder: Path) -> Files:
    return {name: (folder / name).read_bytes() for name in (SCRIPT, WASM, ABOUT) if (folder / name).is_file()}


def _of_archive(path: Path) -> Files:
    files: Files = {}
    try:
        with tarfile.open(path) as archive:
            for name in (SCRIPT, WASM, ABOUT):
                member = archive.extractfile(f"package/{name}")
                assert member is not None
                files[name] = member.read()
    except (OSError, tarfile.TarError, KeyError, AssertionError) as error:
        raise UserError(f"{path} is not the npm package {PACKAGE}: {error}", _elsewhere()) from error
    return files


def _genuine(files: Files) -> bool:
    return all(sha512(files.get(name, b"")).hexdigest() == digest for name, digest in DIGESTS.items())


def _fetched(kept: Path, tell: Callable[[str], None]) -> Files:
    npm = shutil.which("npm")
    if npm is None:
        raise UserError(f"the page needs {PACKAGE} {VERSION}, and there is no npm to fetch it", _elsewhere())
    tell(f"fetching {PACKAGE} {VERSION} by npm, 33 MB, once")
    with tempfile.TemporaryDirectory() as folder:
        words = [npm, "pack", f"{PACKAGE}@{VERSION}", "--silent", "--pack-destination", folder]
        try:
            ended = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)
            said, failed = ended.stderr.strip(), ended.returncode != 0
        except subprocess.TimeoutExpired:
            said, failed = f"no answer in {SECONDS} seconds", True
        archives = list(Path(folder).glob("*.tgz"))
        if failed or not archives:
            reason = said.splitlines()[0] if said else "it gives no reason"
            raise UserError(f"npm cannot fetch {PACKAGE} {VERSION}: {reason}", _elsewhere())
        files = _of_archive(archives[0])
    if not _genuine(files):
        raise UserError(f"what npm fetched is not {PACKAGE} {VERSION}: its digests differ", _elsewhere())
    _keep(files, kept)
    return files


def _keep(files: Files, kept: Path) -> None:
    temporary = kept.with_name(f".{kept.name}.part")
    with writing(kept):
        shutil.rmtree(temporary, ignore_errors=True)
        for name, content in files.items():
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            (temporary / name).write_bytes(content)
        shutil.rmtree(kept, ignore_errors=True)
        temporary.replace(kept)


def _runtime(files: Files, origin: str) -> Runtime:
    missing = [name for name in (SCRIPT, WASM, ABOUT) if name not in files]
    if missing:
        raise UserError(f"{origin} is not the npm package {PACKAGE}: it has no {missing[0]}", _elsewhere())
    script = re.sub(r"^//# sourceMappingURL=.*$", "", files[SCRIPT].decode(errors="replace"), flags=re.MULTILINE)
    exported = EXPORTS.search(script)
    if exported is None or "</script" in script.lower():
        raise UserError(f"{origin}/{SCRIPT} cannot be written into a page", _elsewhere())
    pairs = (each.split(" as ") for each in exported[1].split(","))
    names = ",".join(f"{pair[-1].strip()}:{pair[0].strip()}" for pair in pairs)
    return Runtime(_version(files[ABOUT]), f"{script[: exported.start()]}globalThis.ort={{{names}}};", files[WASM])


def _version(about: bytes) -> str:
    try:
        return str(json.loads(about)["version"])
    except (ValueError, KeyError, TypeError):
        return "of an unknown version"


def _elsewhere() -> str:
    return f"download https://registry.npmjs.org/{PACKAGE}/-/{PACKAGE}-{VERSION}.tgz and name it: --runtime FILE"
