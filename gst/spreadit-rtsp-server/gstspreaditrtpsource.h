/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_SPREADIT_RTP_SOURCE_H__
#define __GST_SPREADIT_RTP_SOURCE_H__

#include <gst/app/app.h>

G_BEGIN_DECLS

/* Private, not registered. To gst-rtsp-server it looks like a payloader: one
 * that gives RTP packets as they are pushed into it. Never blocks whoever
 * pushes; when nobody takes packets, the oldest are dropped. A backlog leaves
 * at a pace that sockets can take. */

#define GST_TYPE_SPREADIT_RTP_SOURCE (gst_spreadit_rtp_source_get_type ())
G_DECLARE_FINAL_TYPE (GstSpreaditRtpSource, gst_spreadit_rtp_source, GST,
    SPREADIT_RTP_SOURCE, GstAppSrc)

/* Transfer floating. `caps` is what RTSP makes the SDP of. */
GstElement *gst_spreadit_rtp_source_new (const gchar *name, GstCaps *caps);

G_END_DECLS

#endif /* __GST_SPREADIT_RTP_SOURCE_H__ */
