/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_SPREADIT_PEERING_MANAGER_H__
#define __GST_SPREADIT_PEERING_MANAGER_H__

#include <gio/gio.h>
#include <gst/spreadit/gstspreaditenums.h>

G_BEGIN_DECLS

#define GST_TYPE_SPREADIT_PEERING_MANAGER                                      \
  (gst_spreadit_peering_manager_get_type ())
GST_SPREADIT_API
G_DECLARE_FINAL_TYPE (GstSpreaditPeeringManager, gst_spreadit_peering_manager,
    GST, SPREADIT_PEERING_MANAGER, GstObject)

GST_SPREADIT_API
GstSpreaditPeeringManager *gst_spreadit_peering_manager_new (void);

/* The two ways into a stream. */

GST_SPREADIT_API
gboolean gst_spreadit_peering_manager_get_stream (
    GstSpreaditPeeringManager *self, GError **error);

GST_SPREADIT_API
gboolean gst_spreadit_peering_manager_publish (
    GstSpreaditPeeringManager *self, GError **error);

GST_SPREADIT_API
gboolean gst_spreadit_peering_manager_set_sdp (
    GstSpreaditPeeringManager *self, const gchar *sdp, GError **error);

/* And out of it. */

GST_SPREADIT_API
void gst_spreadit_peering_manager_leave (GstSpreaditPeeringManager *self);

GST_SPREADIT_API
gboolean gst_spreadit_peering_manager_leave_and_wait (
    GstSpreaditPeeringManager *self, GstClockTime timeout);

GST_SPREADIT_API
void gst_spreadit_peering_manager_close (GstSpreaditPeeringManager *self);

/* The packets. */

GST_SPREADIT_API
GstBufferList *gst_spreadit_peering_manager_pull (
    GstSpreaditPeeringManager *self);

GST_SPREADIT_API
GstBufferList *gst_spreadit_peering_manager_receive (
    GstSpreaditPeeringManager *self);

/**
 * GstSpreaditMayRelayFunc:
 * @self: the manager
 * @user_data: what was given with the function
 *
 * Asked on the thread that relays, when packets have come.
 *
 * Returns: %TRUE: they go to the children and nobody else wants them
 *
 * Since: 1.0
 */
typedef gboolean (*GstSpreaditMayRelayFunc) (
    GstSpreaditPeeringManager *self, gpointer user_data);

GST_SPREADIT_API
gboolean gst_spreadit_peering_manager_relay (GstSpreaditPeeringManager *self,
    GstSpreaditMayRelayFunc may_relay, gpointer user_data);

GST_SPREADIT_API
GstBufferList *gst_spreadit_peering_manager_take (
    GstSpreaditPeeringManager *self);

GST_SPREADIT_API
void gst_spreadit_peering_manager_fan_out (
    GstSpreaditPeeringManager *self, GstBufferList *packets);

GST_SPREADIT_API
void gst_spreadit_peering_manager_set_flushing (
    GstSpreaditPeeringManager *self, gboolean flushing);

/* What is going on. */

GST_SPREADIT_API
gchar *gst_spreadit_peering_manager_get_sdp (GstSpreaditPeeringManager *self);

GST_SPREADIT_API
GstStructure *gst_spreadit_peering_manager_get_stats (
    GstSpreaditPeeringManager *self);

GST_SPREADIT_API
void gst_spreadit_peering_manager_query_tree_async (
    GstSpreaditPeeringManager *self, const gchar *path, guint depth,
    guint max_peers, GCancellable *cancellable, GAsyncReadyCallback callback,
    gpointer user_data);

GST_SPREADIT_API
GstStructure *gst_spreadit_peering_manager_query_tree_finish (
    GstSpreaditPeeringManager *self, GAsyncResult *result, GError **error);

GST_SPREADIT_API
gboolean gst_spreadit_peering_manager_check_uri (
    const gchar *uri, GError **error);

G_END_DECLS

#endif /* __GST_SPREADIT_PEERING_MANAGER_H__ */
