#!/bin/sh
# Sets up gamut expansion in .venv of this folder, then does one of:
#   sh setup.sh         expand the sample photo (sample.tif, and sample.png: before and after)
#   sh setup.sh test    run the tests
set -eu
cd "$(dirname "$0")"
task=${1:-sample}
case $task in
  sample) extras='' packages='' ;;
  test)
    extras='[all,test]'
    # exiftool reads what we write; the rest shows napari's window and the page of the demo.
    packages='libimage-exiftool-perl chromium libatomic1 fonts-dejavu-core xvfb xauth libegl1 libgl1
      libgl1-mesa-dri libopengl0 libdbus-1-3 libfontconfig1 libxkbcommon0 libxkbcommon-x11-0
      libx11-xcb1 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0
      libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libxcb-xkb1'
    ;;
  *) echo "setup.sh: there is no task '$task'; use none, or test." >&2; exit 2 ;;
esac

# Debian's python3 comes without venv; install what is missing where that is allowed.
as_root=''
if [ "$(id -u)" -ne 0 ] && command -v sudo >/dev/null 2>&1; then as_root='sudo'; fi
need_packages=''
for package in $packages; do
  dpkg -s "$package" >/dev/null 2>&1 || need_packages="$need_packages $package"
done
python=''
for candidate in python3.13 python3.12 python3.11 python3; do
  if command -v "$candidate" >/dev/null 2>&1 \
    && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
[ -n "$python" ] || need_packages="$need_packages python3"
if [ -z "$python" ] || ! "$python" -c 'import ensurepip' 2>/dev/null; then
  need_packages="$need_packages python3-venv"
fi
if [ -n "$need_packages" ] && command -v apt-get >/dev/null 2>&1; then
  $as_root apt-get update -q
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install -q -y --no-install-recommends $need_packages
fi
python=${python:-python3}
if ! "$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "setup.sh: Python 3.11 or newer with its venv module is needed; install it first." >&2
  exit 1
fi

[ -x .venv/bin/pip ] || "$python" -m venv .venv
# Python compiles what it imports, once; to compile all that is installed takes minutes.
.venv/bin/pip install --quiet --disable-pip-version-check --no-compile --editable ".$extras"

if [ "$task" = test ]; then
  .venv/bin/ruff check .
  .venv/bin/ruff format --check .
  .venv/bin/mypy
  # Two processes of one thread each; a file of tests stays in one of them.
  export OMP_NUM_THREADS=1
  exec .venv/bin/python -m pytest --numprocesses 2 --dist loadfile
fi
.venv/bin/gamut expand --sample --overwrite -o sample.tif --before-after sample.png
echo "Look at sample.png: before, after, and the colour that came back. sample.tif is the wide-gamut photo."
