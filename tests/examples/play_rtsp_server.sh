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
trap 'kill $server; rm -f "$said"' EXIT
# It says where once it has the stream. with_source has a limit for all.
until location=$(grep -m 1 ^rtsp: "$said"); do
  kill -0 $server
  sleep 0.1
done
echo "playing $location"
for transport in rtspu rtspt rtsph; do # UDP, TCP, and in HTTP
  gst-launch-1.0 -q rtspsrc location="$transport${location#rtsp}" latency=100 !\
    application/x-rtp,encoding-name=PCMU ! fakesink num-buffers=50
  echo "50 packets by $transport"
done
