#!/usr/bin/env bash
# Builds the Debian packages, has lintian look at them, and uses what is in them:
# unpacked into an empty directory, where gst-inspect-1.0 shows the elements, a
# relay publishes, a pipeline watches, and Python finds the manager.
#
#   tests/packaging/debs.sh [DIR]
#
# DIR gets the packages; it is to be empty, and a temporary one unless given.
# Needs dpkg-dev, debhelper, lintian and what debian/control says. Takes as long
# as a build.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
dir=${1-}
if [[ -z $dir ]]; then
  dir=$(mktemp -d)
  trap 'rm -rf "$dir"' EXIT
fi
mkdir -p "$dir/source" "$dir/root"
git -C "$root" ls-files -z | tar -C "$root" --null -T - -c |
  tar -C "$dir/source" -x

echo "building the packages"
(cd "$dir/source" && dpkg-buildpackage -us -uc -b >"$dir/build.log" 2>&1) || {
  tail -n 40 "$dir/build.log" >&2
  exit 1
}
lintian --allow-root --fail-on error,warning "$dir"/*.changes

for package in "$dir"/*.deb; do
  dpkg-deb -x "$package" "$dir/root"
done
lib=$(dirname "$(find "$dir/root/usr/lib" -name gstreamer-1.0 -type d)")
export LD_LIBRARY_PATH=$lib GST_PLUGIN_PATH=$lib/gstreamer-1.0
export GI_TYPELIB_PATH=$lib/girepository-1.0 GST_REGISTRY=$dir/registry.bin
export PATH=$dir/root/usr/bin:$PATH

for element in spreaditsrc spreaditsink spreaditrelay; do
  gst-inspect-1.0 "$element" >"$dir/inspect.txt"
  echo "gst-inspect-1.0 $element: $(sed -n 's/^ *Long-name *//p' "$dir/inspect.txt")"
done
/usr/bin/python3 -c '
import gi
gi.require_version ("Gst", "1.0")
gi.require_version ("GstSpreadit", "1.0")
from gi.repository import Gst, GstSpreadit
Gst.init (None)
print ("Python has", GstSpreadit.SpreaditPeeringManager.new ().__gtype__.name)'

for library in gst-spreadit gst-spreadit-rtsp-server; do
  reference=$dir/root/usr/share/doc/$library-1.0/index.html
  [[ -s $reference ]] || {
    echo "the API reference of $library is not in the packages" >&2
    exit 1
  }
done
echo "the API reference of both libraries is there"

# What it loads from the other package: wherever that is unpacked.
export GST_SPREADIT_MODULE_PATH=$lib/gst-spreadit

port=$(/usr/bin/python3 -c '
import socket
with socket.socket () as probe:
    probe.bind (("127.0.0.1", 0))
    print (probe.getsockname ()[1])')
uri=spreadit://127.0.0.1:$port/live
gst-spreadit-relay --publish=test "$uri" >"$dir/relay.log" 2>&1 &
relay=$!
trap 'kill $relay 2>/dev/null || true' ERR
# The relay is asked again until it listens.
timeout 60 gst-launch-1.0 -q spreaditsrc uri="$uri" http-address=0 ! decodebin ! \
  fakesink num-buffers=50 sync=true
kill "$relay"
wait "$relay"
trap - ERR
echo "published and watched 50 pictures; the relay left with 0"
