"""Makes build/provider.wasm, a component, of app.py, backend.py and the Python interpreter."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
WANTED = HERE / "requirements.txt"
INSTALLED = VENV / WANTED.name
BIN = VENV / ("Scripts" if sys.platform == "win32" else "bin")
WORLD = ["--wit-path", "wit", "--world", "this-provider"]


def run(*command: str | Path) -> None:
    status = subprocess.run(command, cwd=HERE).returncode
    if status != 0:
        sys.exit(status)


def install() -> None:
    """A virtual environment with what requirements.txt names, unless there is one."""
    wanted = WANTED.read_text()
    if INSTALLED.exists() and INSTALLED.read_text() == wanted:
        return
    print("installing what requirements.txt names (about 45 MB)", flush=True)
    venv.create(VENV, with_pip=True, clear=True)
    run(BIN / "python", "-m", "pip", "install", "--quiet", "-r", WANTED)
    # Last: half an environment is made anew the next time.
    INSTALLED.write_text(wanted)


def main() -> None:
    install()
    componentize = BIN / "componentize-py"
    # For editors and tests: the component itself is made without them.
    shutil.rmtree(HERE / "build", ignore_errors=True)
    run(componentize, "--quiet", *WORLD, "bindings", "build/bindings")
    # Orkee offers no files and no sockets: a component that imports them is refused. `--stub-wasi` leaves all of WASI out.
    output = ["--output", "build/provider.wasm"]
    run(componentize, "--quiet", *WORLD, "componentize", "--stub-wasi", "--python-path", "src", *output, "app")


if __name__ == "__main__":
    main()
