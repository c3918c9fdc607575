/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GATEWAY_MOUNTS_H__
#define __GATEWAY_MOUNTS_H__

#include <gst/rtsp-server/rtsp-server.h>

G_BEGIN_DECLS

/* Mount points that hear of a request before they look for what it wants, so
 * that it can be put there. */

#define GATEWAY_TYPE_MOUNTS (gateway_mounts_get_type ())
G_DECLARE_FINAL_TYPE (
    GatewayMounts, gateway_mounts, GATEWAY, MOUNTS, GstRTSPMountPoints)

/* Called in the thread of a client for each DESCRIBE and ANNOUNCE. */
typedef void (*GatewayMountsAsked) (
    const gchar *path, GstRTSPContext *context, gpointer data);

GatewayMounts *gateway_mounts_new (GatewayMountsAsked asked, gpointer data);
/* Nobody is asked any more when this returns. */
void gateway_mounts_forget (GatewayMounts *self);

G_END_DECLS

#endif /* __GATEWAY_MOUNTS_H__ */
