/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GATEWAY_RECORD_H__
#define __GATEWAY_RECORD_H__

#include <gst/rtsp-server/rtsp-server.h>

G_BEGIN_DECLS

/* Takes what is published to a path. A player that asks there is sent on to
 * the node that is the source. */

#define GATEWAY_TYPE_RECORD (gateway_record_get_type ())
G_DECLARE_FINAL_TYPE (
    GatewayRecord, gateway_record, GATEWAY, RECORD, GstRTSPMediaFactory)

G_END_DECLS

#endif /* __GATEWAY_RECORD_H__ */
