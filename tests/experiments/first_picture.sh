#!/usr/bin/env bash
# From nothing to the first picture: clones, sets up, starts a source and watches
# it until there is a picture. Prints how long each step takes.
#
#   first_picture.sh [DIR]
#
# DIR, a new folder, gets the clone and the picture, and keeps them; one that goes
# again unless given.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
kept=${1-}
dir=${kept:-$(mktemp -d)}
source=
cleanup ()
{
  [[ -z $source ]] || kill "$source" 2>/dev/null || true
  [[ -n $kept ]] || rm -rf "$dir"
}
trap cleanup EXIT

began=$SECONDS
# step "what" COMMAND...
step ()
{
  local what=$1 since=$SECONDS
  shift
  "$@"
  echo "$what: $((SECONDS - since)) s"
}

in_devenv ()
{
  meson devenv -C "$dir/clone/build" "$@"
}

watch ()
{
  in_devenv timeout 60 gst-launch-1.0 -q \
    spreaditsrc uri=spreadit://127.0.0.1:8564/live ! decodebin ! videoconvert ! \
    pngenc snapshot=true ! filesink location="$dir/picture.png"
  [[ -s $dir/picture.png ]]
}

step "clone" git clone -q "$root" "$dir/clone"
step "set-up" "$dir/clone/tools/setup"
in_devenv gst-spreadit-relay --quiet --publish=test \
  spreadit://127.0.0.1:8564/live &
source=$!
step "first picture" watch
echo "from nothing to the first picture: $((SECONDS - began)) s"
