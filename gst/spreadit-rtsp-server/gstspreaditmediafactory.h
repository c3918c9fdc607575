/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_SPREADIT_MEDIA_FACTORY_H__
#define __GST_SPREADIT_MEDIA_FACTORY_H__

#include <gst/rtsp-server/rtsp-server.h>
#include <gst/spreadit-rtsp-server/spreadit-rtsp-server-prelude.h>

G_BEGIN_DECLS

#define GST_TYPE_SPREADIT_MEDIA_FACTORY (gst_spreadit_media_factory_get_type ())
GST_SPREADIT_RTSP_SERVER_API
G_DECLARE_FINAL_TYPE (GstSpreaditMediaFactory, gst_spreadit_media_factory, GST,
    SPREADIT_MEDIA_FACTORY, GstRTSPMediaFactory)

GST_SPREADIT_RTSP_SERVER_API
GstSpreaditMediaFactory *gst_spreadit_media_factory_new (const gchar *uri);

GST_SPREADIT_RTSP_SERVER_API
void gst_spreadit_media_factory_join (GstSpreaditMediaFactory *self);

GST_SPREADIT_RTSP_SERVER_API
void gst_spreadit_media_factory_leave (GstSpreaditMediaFactory *self);

GST_SPREADIT_RTSP_SERVER_API
void gst_spreadit_media_factory_refuse (
    GstRTSPContext *context, GstRTSPStatusCode status, const gchar *reason);

G_END_DECLS

#endif /* __GST_SPREADIT_MEDIA_FACTORY_H__ */
