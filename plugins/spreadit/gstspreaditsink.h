/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_SPREADIT_SINK_H__
#define __GST_SPREADIT_SINK_H__

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_SPREADIT_SINK (gst_spreadit_sink_get_type ())
G_DECLARE_FINAL_TYPE (
    GstSpreaditSink, gst_spreadit_sink, GST, SPREADIT_SINK, GstBin)

G_END_DECLS

#endif /* __GST_SPREADIT_SINK_H__ */
