/* The public headers are C11.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <gst/spreadit/spreadit.h>

int
main (int argc, char **argv)
{
  GstSpreaditPeeringManager *manager;
  GError *error = NULL;

  gst_init (&argc, &argv);
  manager = gst_spreadit_peering_manager_new ();
  if (!GST_IS_SPREADIT_PEERING_MANAGER (manager))
    return 1;
  if (gst_spreadit_peering_manager_check_uri ("http://x/y", &error) || !error)
    return 1;
  g_clear_error (&error);
  if (gst_spreadit_peering_manager_get_stream (manager, &error) || !error)
    return 1; /* no URI */
  g_clear_error (&error);
  gst_object_unref (manager);
  return 0;
}
