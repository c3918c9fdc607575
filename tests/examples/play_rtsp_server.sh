#!/bin/sh
# Runs the server of the example and plays from it, as anybody would.
#
#   play_rtsp_server.sh PROGRAM URI
#
# SPDX-License-Identifier: LGPL-2.1-or-later
set -eu
said=$(mktemp)
"$1" "$2" 0 >"$said" &
server=$!
trap 'kill $server; rm -f "$said" "$said.player"' EXIT
# It says where once it has the stream. with_source has a limit for all.
until location=$(grep -m 1 ^rtsp: "$said"); do
  kill -0 $server
  sleep 0.1
done
echo "playing $location"
for transport in rtspu rtspt rtsph; do # UDP, TCP, and in HTTP
  # After them rtspsrc (1.22) sometimes says TEARDOWN before the PAUSE of the same
  # state change, finds that the server has hung up, as it should, and calls that
  # an error: what counts is that the packets came.
  gst-launch-1.0 rtspsrc location="$transport${location#rtsp}" latency=100 !\
    application/x-rtp,encoding-name=PCMU ! fakesink num-buffers=50 \
    >"$said.player" 2>&1 || true
  grep -q "Got EOS" "$said.player" || { cat "$said.player"; exit 1; }
  kill -0 $server
  echo "50 packets by $transport"
done
