#!/bin/sh
# Installs booty from the wheels beside this file into a virtual environment, without a network:
#   sh install.sh [FOLDER]
# PYTHON names the interpreter to use, by default python3.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
place=${1:-$here/venv}
python=${PYTHON:-python3}
case "$(uname -m)" in
x86_64) machine=amd64 ;;
aarch64 | arm64) machine=arm64 ;;
*) machine=$(uname -m) ;;
esac
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
name=$(uname -s | tr '[:upper:]' '[:lower:]')-$machine-$version
if [ ! -f "$here/wheels/$name.txt" ]; then
	echo "cannot install for $name: there are wheels for $(cd "$here/wheels" && echo *.txt | sed 's/\.txt//g')" >&2
	echo "  hint: name another interpreter, PYTHON=/path/to/python3 sh install.sh; or booty bundle --python $version" >&2
	exit 5
fi
"$python" -m venv "$place"
"$place/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-input \
	--find-links "$here/wheels" --require-hashes --requirement "$here/wheels/$name.txt"
echo "installed: $place/bin/booty"
echo "next: cd $here/stack && $place/bin/booty up -d --bundle $here"
