// The public headers can be used in C++, and have C linkage there.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/spreadit/spreadit.h>

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  GstSpreaditPeeringManager *manager = gst_spreadit_peering_manager_new ();
  GstSpreaditPeerState state = GST_SPREADIT_PEER_STATE_FAILED;
  g_object_get (manager, "state", &state, nullptr);
  gst_object_unref (manager);
  return state == GST_SPREADIT_PEER_STATE_IDLE ? 0 : 1;
}
