/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_SPREADIT_MEDIA_H__
#define __GST_SPREADIT_MEDIA_H__

#include <gst/rtsp-server/rtsp-server.h>

G_BEGIN_DECLS

/* Private: what gst-rtsp-server sends of one join, to all players at once. */

#define GST_TYPE_SPREADIT_MEDIA (gst_spreadit_media_get_type ())
G_DECLARE_FINAL_TYPE (
    GstSpreaditMedia, gst_spreadit_media, GST, SPREADIT_MEDIA, GstRTSPMedia)

G_END_DECLS

#endif /* __GST_SPREADIT_MEDIA_H__ */
